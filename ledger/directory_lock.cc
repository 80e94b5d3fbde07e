#include "ledger/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "ledger/durable_file.h"

namespace gradmint {

Result<DirectoryLock> DirectoryLock::take(const std::filesystem::path& directory,
                                          std::string when_busy) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return file_error("open", directory, errno);
  int locked = -1;
  do {
    locked = ::flock(fd, LOCK_EX | LOCK_NB);
  } while (locked != 0 && errno == EINTR);
  if (locked == 0) return DirectoryLock(fd);
  const int reason = errno;
  ::close(fd);
  if (reason == EWOULDBLOCK) return Error{ErrorCode::busy, std::move(when_busy)};
  Error error = file_error("lock the directory", directory, reason);
  if (reason == EBADF || reason == ENOLCK || reason == EOPNOTSUPP) {
    error.message += "; its file system has no such locks: use a local disk";
  }
  return error;
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace gradmint
