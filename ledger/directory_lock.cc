#include "ledger/directory_lock.h"

#include <cerrno>

#include "ledger/durable_file.h"

namespace gradmint {

Result<DirectoryLock> DirectoryLock::take(const std::filesystem::path& directory,
                                          std::string when_busy, Disk& disk) {
  std::unique_ptr<DiskLock> held;
  const int failed = disk.lock_directory(directory, held);
  if (failed == 0) return DirectoryLock(std::move(held));
  if (failed == EWOULDBLOCK) return Error{ErrorCode::busy, std::move(when_busy)};
  Error error = file_error("lock the directory", directory, failed);
  if (failed == EBADF || failed == ENOLCK || failed == EOPNOTSUPP) {
    error.message += "; its file system has no such locks: use a local disk";
  }
  return error;
}

}  // namespace gradmint
