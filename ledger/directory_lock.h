// A lock on a directory itself, not on a file in it: whoever deletes or replaces files there, a
// lock file or a whole folder, lets no second writer in, and a directory that is renamed stays
// locked. Released by the system however its process ends. Not inherited by programs that are
// started (close-on-exec). Not across machines: a network file system may lock for each machine
// alone, or not at all, which is then an error.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "kernels/base/result.h"
#include "ledger/disk.h"

namespace gradmint {

class DirectoryLock {
 public:
  // At once. busy, with `when_busy` as its line, while another holds it; not_found without the
  // directory.
  static Result<DirectoryLock> take(const std::filesystem::path& directory, std::string when_busy,
                                    Disk& disk = posix_disk());

 private:
  explicit DirectoryLock(std::unique_ptr<DiskLock> held) : held_(std::move(held)) {}
  std::unique_ptr<DiskLock> held_;
};

}  // namespace gradmint
