// Content-addressed files: updates, models, layouts, TorchScript, evidence. A blob is synced, with
// its directory, before its name is given to anyone. Layout: <dir>/<first two hex digits>/<hex of
// blob_root>. Thread safe.
#pragma once

#include <filesystem>
#include <memory>

#include "kernels/base/result.h"
#include "ledger/bytes.h"
#include "ledger/disk.h"
#include "ledger/mapped_file.h"

namespace gradmint {

// Where blobs are looked up by their roots: a directory, or a bundle.
class BlobReader {
 public:
  virtual ~BlobReader() = default;
  virtual bool contains(const Hash& root) const = 0;
  // Maps a blob. not_found names the blob; bad_input when what lies there is no regular file (a
  // link is none); corrupt when it is longer than `cap_bytes`. The content is NOT verified.
  virtual Result<MappedFile> get(const Hash& root, std::uint64_t cap_bytes) const = 0;
  Result<MappedFile> get(const Hash& root) const { return get(root, kAnySizeBytes); }
  // As get, and corrupt when the bytes do not hash to the name.
  Result<MappedFile> get_verified(const Hash& root, std::uint64_t cap_bytes = kAnySizeBytes) const;
};

class BlobStore : public BlobReader {
 public:
  explicit BlobStore(std::filesystem::path directory, Disk& disk = posix_disk())
      : directory_(std::move(directory)), disk_(&disk) {}

  std::filesystem::path path_of(const Hash& root) const;
  bool contains(const Hash& root) const override;
  // Writes, syncs, renames, syncs the directory; returns the blob's root. Storing it again is
  // harmless.
  Result<Hash> put(ByteView payload) const;
  // Takes over a finished, already written file (on the same file system), after checking its root.
  // refused: the file's content has another root.
  Status adopt(const std::filesystem::path& file, const Hash& expected_root) const;
  Result<MappedFile> get(const Hash& root, std::uint64_t cap_bytes) const override;
  using BlobReader::get;
  Disk& disk() const { return *disk_; }

 private:
  std::filesystem::path directory_;
  Disk* disk_;
};

}  // namespace gradmint
