#include "ledger/regular_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "ledger/durable_file.h"

namespace gradmint {
namespace {

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISLNK(mode)) return "a symbolic link";
  return "a device";
}

Error not_regular(const std::filesystem::path& file, const char* kind) {
  return {ErrorCode::bad_input,
          "'" + file.string() + "' is " + kind + ", not a regular file: put the file itself there"};
}

Error too_long(const std::filesystem::path& file, std::uint64_t cap_bytes) {
  return {ErrorCode::corrupt, "'" + file.string() + "' is longer than " +
                                  std::to_string(cap_bytes) +
                                  " bytes, so it is not what was expected there"};
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

bool Descriptor::close() { return ::close(std::exchange(fd_, -1)) == 0; }

Result<RegularFile> open_regular_file(const std::filesystem::path& file, std::uint64_t cap_bytes,
                                      Links links) {
  // O_NOCTTY: a terminal that lies there must not become this process's own.
  const int flags =
      O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (links == Links::refuse ? O_NOFOLLOW : 0);
  int fd = -1;
  do {
    fd = ::open(file.c_str(), flags);
  } while (fd < 0 && errno == EINTR);
  // What cannot even be opened so: a link (ELOOP), a socket or a device without a driver (ENXIO).
  if (fd < 0) {
    const int reason = errno;
    struct stat info {};
    if ((reason == ELOOP || reason == ENXIO || reason == ENODEV) &&
        ::lstat(file.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
      return not_regular(file, kind_of(info.st_mode));
    }
    return file_error("open", file, reason);
  }
  RegularFile opened{Descriptor(fd), 0};
  struct stat info {};
  if (::fstat(fd, &info) != 0) return file_error("inspect", file, errno);
  if (!S_ISREG(info.st_mode)) return not_regular(file, kind_of(info.st_mode));
  opened.size_bytes = static_cast<std::uint64_t>(info.st_size);
  if (opened.size_bytes > cap_bytes) return too_long(file, cap_bytes);
  return opened;
}

Result<Bytes> read_file(const std::filesystem::path& file, std::uint64_t cap_bytes, Links links) {
  const auto opened = open_regular_file(file, cap_bytes, links);
  if (!opened.ok()) return opened.error();
  Bytes content;
  std::array<std::uint8_t, 65536> piece;
  for (;;) {
    const ssize_t got = ::read(opened->fd.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error("read", file, errno);
    if (got == 0) return content;
    content.insert(content.end(), piece.begin(), piece.begin() + got);
    if (content.size() > cap_bytes) return too_long(file, cap_bytes);  // it grew meanwhile
  }
}

}  // namespace gradmint
