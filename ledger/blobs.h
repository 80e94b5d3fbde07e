// Content-addressed files: updates, models, layouts, TorchScript, evidence. A blob is synced, with
// its directory, before its name is given to anyone. Layout: <dir>/<first two hex digits>/<hex of
// blob_root>. Thread safe.
#pragma once

#include <filesystem>
#include <memory>

#include "kernels/base/result.h"
#include "ledger/bytes.h"

namespace gradmint {

// A read-only mapping of a file; the bytes live as long as the object.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::filesystem::path& file);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ByteView bytes() const { return {data_, size_}; }

 private:
  MappedFile() = default;
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

class BlobStore {
 public:
  explicit BlobStore(std::filesystem::path directory) : directory_(std::move(directory)) {}

  std::filesystem::path path_of(const Hash& root) const;
  bool contains(const Hash& root) const;
  // Writes, syncs, renames, syncs the directory; returns the blob's root. Storing it again is
  // harmless.
  Result<Hash> put(ByteView payload) const;
  // Takes over a finished, already written file (on the same file system), after checking its root.
  // refused: the file's content has another root.
  Status adopt(const std::filesystem::path& file, const Hash& expected_root) const;
  // Maps a blob. not_found names the blob. The content is NOT verified: see get_verified.
  Result<MappedFile> get(const Hash& root) const;
  // As get, and corrupt when the bytes no longer hash to the name.
  Result<MappedFile> get_verified(const Hash& root) const;

 private:
  std::filesystem::path directory_;
};

}  // namespace gradmint
