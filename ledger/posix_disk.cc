#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string_view>

#include "ledger/disk.h"
#include "ledger/durable_file.h"

namespace gradmint {
namespace {

namespace fs = std::filesystem;

int open_retrying(const fs::path& path, int flags, unsigned mode = 0) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

std::string path_of(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

int outcome(int result) { return result == 0 ? 0 : errno; }

class PosixFile : public DiskFile {
 public:
  explicit PosixFile(int fd) : fd_(fd) {}

  int append(ByteView bytes) override {
    if (::lseek(fd_.get(), 0, SEEK_END) < 0) return errno;
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return errno;
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return 0;
  }
  int read_at(std::uint64_t offset_bytes, std::span<std::uint8_t> into,
              std::size_t& got) const override {
    got = 0;
    while (got < into.size()) {
      const ssize_t n = ::pread(fd_.get(), into.data() + got, into.size() - got,
                                static_cast<off_t>(offset_bytes + got));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno;
      if (n == 0) return 0;
      got += static_cast<std::size_t>(n);
    }
    return 0;
  }
  int size(std::uint64_t& size_bytes) const override {
    struct stat about {};
    if (::fstat(fd_.get(), &about) != 0) return errno;
    size_bytes = static_cast<std::uint64_t>(about.st_size);
    return 0;
  }
  int truncate(std::uint64_t size_bytes) override {
    return outcome(::ftruncate(fd_.get(), static_cast<off_t>(size_bytes)));
  }
  int sync() override { return outcome(::fsync(fd_.get())); }
  int give_name(const fs::path& name) override {
    return outcome(
        ::linkat(AT_FDCWD, path_of(fd_.get()).c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW));
  }
  int close() override { return fd_.close() ? 0 : errno; }

 private:
  Descriptor fd_;
};

class PosixLock : public DiskLock {
 public:
  explicit PosixLock(int fd) : fd_(fd) {}

 private:
  Descriptor fd_;
};

class PosixDisk : public Disk {
 public:
  int open(const fs::path& path, Open how, unsigned mode,
           std::unique_ptr<DiskFile>& file) override {
    int fd = -1;
    switch (how) {
      case Open::existing:
        fd = open_retrying(path, O_RDONLY);
        break;
      case Open::create:
        fd = open_retrying(path, O_RDWR | O_CREAT, mode);
        break;
      case Open::create_new:
        fd = open_retrying(path, O_WRONLY | O_CREAT | O_EXCL, mode);
        break;
      case Open::nameless:
        return open_nameless(path, mode, file);
    }
    if (fd < 0) return errno;
    file = std::make_unique<PosixFile>(fd);
    return 0;
  }
  Result<Bytes> read(const fs::path& file, std::uint64_t cap_bytes, Links links) const override {
    return read_file(file, cap_bytes, links);
  }
  Result<MappedFile> map(const fs::path& file, std::uint64_t cap_bytes,
                         Links links) const override {
    return MappedFile::open(file, cap_bytes, links);
  }
  DiskEntry look(const fs::path& path, Links links) const override {
    struct stat about {};
    const int failed =
        links == Links::follow ? ::stat(path.c_str(), &about) : ::lstat(path.c_str(), &about);
    if (failed != 0) return {};
    const auto kind = S_ISREG(about.st_mode)   ? DiskEntry::Kind::regular
                      : S_ISDIR(about.st_mode) ? DiskEntry::Kind::directory
                                               : DiskEntry::Kind::other;
    return {kind, static_cast<std::uint64_t>(about.st_size), about.st_mode & 07777};
  }
  int list(const fs::path& directory, std::vector<std::string>& names) const override {
    DIR* const open = ::opendir(directory.c_str());
    if (open == nullptr) return errno;
    errno = 0;
    while (const dirent* entry = ::readdir(open)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    const int reason = errno;
    ::closedir(open);
    return reason;
  }
  int rename(const fs::path& from, const fs::path& to) override {
    return outcome(::rename(from.c_str(), to.c_str()));
  }
  int link(const fs::path& from, const fs::path& to) override {
    return outcome(::link(from.c_str(), to.c_str()));
  }
  int remove(const fs::path& path) override { return outcome(::remove(path.c_str())); }
  int make_directory(const fs::path& directory, unsigned mode) override {
    return outcome(::mkdir(directory.c_str(), mode));
  }
  int sync_directory(const fs::path& directory) override {
    const Descriptor fd(open_retrying(directory, O_RDONLY | O_DIRECTORY));
    return fd.is_open() ? outcome(::fsync(fd.get())) : errno;
  }
  int set_mode(const fs::path& path, unsigned mode) override {
    return outcome(::chmod(path.c_str(), mode));
  }
  int lock_directory(const fs::path& directory, std::unique_ptr<DiskLock>& lock) override {
    const int fd = open_retrying(directory, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return errno;
    auto held = std::make_unique<PosixLock>(fd);
    int locked = -1;
    do {
      locked = ::flock(fd, LOCK_EX | LOCK_NB);
    } while (locked != 0 && errno == EINTR);
    if (locked != 0) return errno;
    lock = std::move(held);
    return 0;
  }

 private:
  // Refused, too, where it could not be given a name later: that needs the process's own /proc.
  static int open_nameless(const fs::path& directory, unsigned mode,
                           std::unique_ptr<DiskFile>& file) {
    const int fd = open_retrying(directory, O_WRONLY | O_TMPFILE, mode);
    if (fd < 0) return errno;
    auto opened = std::make_unique<PosixFile>(fd);
    if (::access(path_of(fd).c_str(), F_OK) != 0) return ENOTSUP;
    file = std::move(opened);
    return 0;
  }
};

}  // namespace

Disk& posix_disk() {
  static PosixDisk disk;
  return disk;
}

void remove_tree(Disk& disk, const fs::path& directory) {
  std::vector<std::string> names;
  static_cast<void>(disk.list(directory, names));
  for (const std::string& name : names) {
    const fs::path path = directory / name;
    if (disk.look(path, Links::refuse).is_directory()) {
      remove_tree(disk, path);
    } else {
      static_cast<void>(disk.remove(path));
    }
  }
  static_cast<void>(disk.remove(directory));
}

}  // namespace gradmint
