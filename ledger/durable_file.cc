#include "ledger/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "kernels/base/check.h"

namespace gradmint {

namespace {

int open_retrying(const std::filesystem::path& path, int flags, unsigned mode = 0) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

bool write_all(int fd, ByteView content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    content = content.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

std::filesystem::path parent_of(const std::filesystem::path& path) {
  const auto parent = path.parent_path();
  return parent.empty() ? std::filesystem::path(".") : parent;
}

std::string path_of(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

// A file without a name, of which nothing stays however its process ends; -1 where the file system
// has none, or where it could not be given a name later.
int open_nameless(const std::filesystem::path& directory, unsigned mode) {
  const int fd = open_retrying(directory, O_WRONLY | O_TMPFILE, mode);
  if (fd < 0 || ::access(path_of(fd).c_str(), F_OK) == 0) return fd;
  ::close(fd);
  return -1;
}

bool name_it(int fd, const std::filesystem::path& name) {
  return ::linkat(AT_FDCWD, path_of(fd).c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

constexpr std::size_t kCopyPieceBytes = 1 << 20;
constexpr std::string_view kPartial = ".partial-";

std::filesystem::path partial_name(const std::filesystem::path& file) {
  static std::atomic<unsigned> counter{0};
  std::filesystem::path name = file;
  name += std::string(kPartial) + std::to_string(::getpid()) + "-" + std::to_string(counter++);
  return name;
}

// FILE.partial-<process>-<number>, as partial_name makes them.
bool is_partial(const std::string& name) {
  const std::size_t at = name.rfind(kPartial);
  if (at == std::string::npos || at == 0) return false;
  const std::string rest = name.substr(at + kPartial.size());
  const std::size_t dash = rest.find('-');
  return dash != std::string::npos && dash > 0 && dash + 1 < rest.size() &&
         rest.find_first_not_of("0123456789", dash + 1) == std::string::npos &&
         rest.find_first_not_of("0123456789") == dash;
}

}  // namespace

Error file_error(std::string_view what, const std::filesystem::path& path, int error_number) {
  std::string line = "cannot " + std::string(what) + " '" + path.string() +
                     "': " + std::generic_category().message(error_number);
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      line += "; free some space and start again";
      break;
    case EACCES:
    case EPERM:
      line += "; run as the user that owns it, or change its permissions";
      break;
    case EROFS:
      line += "; mount it for writing, or name a directory elsewhere";
      break;
    case ENOTDIR:
    case EISDIR:
      line += "; something else lies there: move it away";
      break;
    case EIO:
      line += "; the disk fails: check it, and restore what it held from a copy";
      break;
    case EMFILE:
      line += "; raise the limit on open files (ulimit -n)";
      break;
    default:
      break;
  }
  const bool missing = error_number == ENOENT || error_number == ENOTDIR;
  return {missing ? ErrorCode::not_found : ErrorCode::io, std::move(line)};
}

Status replace_file(const std::filesystem::path& file, ByteView content, unsigned mode) {
  auto replacement = FileReplacement::begin(file, mode);
  if (!replacement.ok()) return replacement.error();
  if (const Status written = replacement->write(content); !written.ok()) return written;
  return replacement->commit();
}

FileReplacement::FileReplacement(std::filesystem::path file, std::filesystem::path beside, int fd,
                                 bool named)
    : file_(std::move(file)), beside_(std::move(beside)), fd_(fd), named_(named) {}

FileReplacement::FileReplacement(FileReplacement&& other) noexcept
    : file_(std::move(other.file_)),
      beside_(std::move(other.beside_)),
      fd_(std::exchange(other.fd_, -1)),
      named_(other.named_) {}

FileReplacement::~FileReplacement() {
  if (fd_ < 0) return;
  ::close(fd_);
  if (named_) ::unlink(beside_.c_str());
}

Result<FileReplacement> FileReplacement::begin(const std::filesystem::path& file, unsigned mode) {
  struct stat there = {};
  if (::stat(file.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
    // Renaming over a device or a pipe would take its place in the file system.
    return Error{ErrorCode::refused, "'" + file.string() +
                                         "' is there and is not a regular file; choose another "
                                         "name"};
  }
  std::filesystem::path beside = partial_name(file);
  ::unlink(beside.c_str());  // left by a process of the same number that was killed
  const int nameless = open_nameless(parent_of(file), mode);
  if (nameless >= 0) return FileReplacement(file, std::move(beside), nameless, false);
  const int fd = open_retrying(beside, O_WRONLY | O_CREAT | O_EXCL, mode);
  if (fd < 0) return file_error("write", file, errno);
  return FileReplacement(file, std::move(beside), fd, true);
}

Status FileReplacement::write(ByteView piece) {
  GRADMINT_CHECK(fd_ >= 0);
  if (!write_all(fd_, piece)) return file_error("write", beside_, errno);
  return {};
}

Status FileReplacement::commit() {
  GRADMINT_CHECK(fd_ >= 0);
  if (const Status whole = link(); !whole.ok()) return whole;
  if (named_ && ::rename(beside_.c_str(), file_.c_str()) != 0) {
    const int reason = errno;
    ::unlink(beside_.c_str());
    return file_error("rename to", file_, reason);
  }
  return sync_directory(parent_of(file_));
}

Status FileReplacement::commit_new() {
  GRADMINT_CHECK(fd_ >= 0);
  if (const Status whole = link(); !whole.ok()) return whole;
  if (named_) {
    // link, unlike rename, leaves what is there.
    const bool taken = ::link(beside_.c_str(), file_.c_str()) != 0;
    const int reason = errno;
    ::unlink(beside_.c_str());
    if (taken && reason == EEXIST) {
      return Error{ErrorCode::refused,
                   "'" + file_.string() + "' exists already; choose another name or move it away"};
    }
    if (taken) return file_error("create", file_, reason);
  }
  return sync_directory(parent_of(file_));
}

// Syncs, and names the file: at once by its own name where nothing has that, so that there is no
// moment at which a killed process would leave another.
Status FileReplacement::link() {
  if (::fsync(fd_) != 0) return file_error("write", beside_, errno);
  if (!named_ && !name_it(fd_, file_)) {
    if (errno != EEXIST) return file_error("write", file_, errno);
    if (!name_it(fd_, beside_)) return file_error("write", beside_, errno);
    named_ = true;
  }
  // Closing may find out what writing did not (quota, network file systems).
  if (::close(std::exchange(fd_, -1)) == 0) return {};
  const int reason = errno;
  ::unlink(named_ ? beside_.c_str() : file_.c_str());
  return file_error("write", file_, reason);
}

Status create_file(const std::filesystem::path& file, ByteView content, unsigned mode) {
  auto made = FileReplacement::begin(file, mode);
  if (!made.ok()) return made.error();
  if (const Status written = made->write(content); !written.ok()) return written;
  return made->commit_new();
}

Result<std::uint64_t> copy_durably(const std::filesystem::path& from,
                                   const std::filesystem::path& to) {
  const Descriptor source(open_retrying(from, O_RDONLY));
  struct stat about {};
  if (source.get() < 0 || ::fstat(source.get(), &about) != 0)
    return file_error("open", from, errno);
  const unsigned mode = about.st_mode & 07777;
  auto copy = FileReplacement::begin(to, mode);
  if (!copy.ok()) return copy.error();
  Bytes piece(kCopyPieceBytes);
  for (std::uint64_t copied = 0;;) {
    const ssize_t got = ::read(source.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error("read", from, errno);
    if (got == 0) {
      if (const Status done = copy->commit_new(); !done.ok()) return done.error();
      if (::chmod(to.c_str(), mode) == 0) return copied;  // which the umask may have cut
      return file_error("set the permissions of", to, errno);
    }
    const auto bytes = static_cast<std::size_t>(got);
    if (const Status s = copy->write(ByteView(piece).first(bytes)); !s.ok()) return s.error();
    copied += bytes;
  }
}

void remove_partial_files(const std::filesystem::path& directory) {
  std::error_code failed, ignored;
  std::vector<std::filesystem::path> found;
  constexpr auto kHow = std::filesystem::directory_options::skip_permission_denied;
  for (std::filesystem::recursive_directory_iterator entry(directory, kHow, failed), end;
       !failed && entry != end; entry.increment(failed)) {
    if (!is_partial(entry->path().filename().string())) continue;
    if (entry->symlink_status(ignored).type() == std::filesystem::file_type::regular) {
      found.push_back(entry->path());
    }
  }
  for (const std::filesystem::path& file : found) std::filesystem::remove(file, ignored);
}

Status write_at(const std::filesystem::path& file, std::uint64_t offset_bytes, ByteView bytes) {
  const Descriptor fd(open_retrying(file, O_WRONLY | O_CREAT, 0644));
  if (fd.get() < 0) return file_error("open", file, errno);
  const auto offset = static_cast<off_t>(offset_bytes);
  // What lies beyond is of an earlier attempt.
  if (::ftruncate(fd.get(), offset) != 0) return file_error("truncate", file, errno);
  if (::lseek(fd.get(), offset, SEEK_SET) < 0 || !write_all(fd.get(), bytes)) {
    return file_error("write", file, errno);
  }
  return {};
}

Status sync_file(const std::filesystem::path& file) {
  const Descriptor fd(open_retrying(file, O_RDONLY));
  if (fd.get() < 0) return file_error("open", file, errno);
  if (::fsync(fd.get()) != 0) return file_error("sync", file, errno);
  return {};
}

Status sync_directory(const std::filesystem::path& directory) {
  const Descriptor fd(open_retrying(directory, O_RDONLY | O_DIRECTORY));
  if (fd.get() < 0) return file_error("open", directory, errno);
  if (::fsync(fd.get()) != 0) return file_error("sync", directory, errno);
  return {};
}

Status create_directory_synced(const std::filesystem::path& directory) {
  if (::mkdir(directory.c_str(), 0755) == 0) return sync_directory(parent_of(directory));
  if (errno == EEXIST) {
    std::error_code ignored;
    if (std::filesystem::is_directory(directory, ignored)) return {};
    return file_error("create directory", directory, ENOTDIR);
  }
  if (errno != ENOENT) return file_error("create directory", directory, errno);
  if (directory.empty() || directory == parent_of(directory)) {
    return file_error("create directory", directory, ENOENT);
  }
  if (const Status above = create_directory_synced(parent_of(directory)); !above.ok()) return above;
  if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
    return file_error("create directory", directory, errno);
  }
  return sync_directory(parent_of(directory));
}

}  // namespace gradmint
