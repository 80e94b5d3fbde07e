// Read-only bytes of a file. Copies share them. Thread safe.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>

#include "kernels/base/result.h"
#include "ledger/bytes.h"
#include "ledger/regular_file.h"

namespace gradmint {

// A read-only mapping of a file, or a part of one; copies share it, and the bytes live as long as
// any of them.
class MappedFile {
 public:
  // As open_regular_file.
  static Result<MappedFile> open(const std::filesystem::path& file,
                                 std::uint64_t cap_bytes = kAnySizeBytes,
                                 Links links = Links::follow);
  // Of a disk that maps nothing: `bytes` live as long as `owner`.
  static MappedFile of(std::shared_ptr<const void> owner, ByteView bytes);
  ByteView bytes() const { return bytes_; }
  // Precondition: it lies within.
  MappedFile part(std::size_t offset, std::size_t size) const;

 private:
  MappedFile() = default;
  std::shared_ptr<const void> mapping_;
  ByteView bytes_;
};

}  // namespace gradmint
