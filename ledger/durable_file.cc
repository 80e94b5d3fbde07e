#include "ledger/durable_file.h"

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

std::filesystem::path parent_of(const std::filesystem::path& path) {
  const auto parent = path.parent_path();
  return parent.empty() ? std::filesystem::path(".") : parent;
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

Status replace_file(Disk& disk, const std::filesystem::path& file, ByteView content,
                    unsigned mode) {
  auto replacement = FileReplacement::begin(disk, file, mode);
  if (!replacement.ok()) return replacement.error();
  if (const Status written = replacement->write(content); !written.ok()) return written;
  return replacement->commit();
}

FileReplacement::FileReplacement(Disk& disk, std::filesystem::path file,
                                 std::filesystem::path beside, std::unique_ptr<DiskFile> open,
                                 bool named)
    : disk_(&disk),
      file_(std::move(file)),
      beside_(std::move(beside)),
      open_(std::move(open)),
      named_(named) {}

FileReplacement::~FileReplacement() {
  if (open_ && named_) static_cast<void>(disk_->remove(beside_));
}

Result<FileReplacement> FileReplacement::begin(Disk& disk, const std::filesystem::path& file,
                                               unsigned mode) {
  if (const DiskEntry there = disk.look(file); there.is_there() && !there.is_regular()) {
    // Renaming over a device or a pipe would take its place in the file system.
    return Error{ErrorCode::refused, "'" + file.string() +
                                         "' is there and is not a regular file; choose another "
                                         "name"};
  }
  std::filesystem::path beside = partial_name(file);
  // Left by a process of the same number that was killed.
  static_cast<void>(disk.remove(beside));
  std::unique_ptr<DiskFile> open;
  if (disk.open(parent_of(file), Disk::Open::nameless, mode, open) == 0)
    return FileReplacement(disk, file, std::move(beside), std::move(open), false);
  if (const int failed = disk.open(beside, Disk::Open::create_new, mode, open))
    return file_error("write", file, failed);
  return FileReplacement(disk, file, std::move(beside), std::move(open), true);
}

Status FileReplacement::write(ByteView piece) {
  GRADMINT_CHECK(open_ != nullptr);
  if (const int failed = open_->append(piece)) return file_error("write", beside_, failed);
  return {};
}

Status FileReplacement::commit() {
  GRADMINT_CHECK(open_ != nullptr);
  if (const Status whole = link(); !whole.ok()) return whole;
  if (named_) {
    if (const int failed = disk_->rename(beside_, file_)) {
      static_cast<void>(disk_->remove(beside_));
      return file_error("rename to", file_, failed);
    }
  }
  return sync_directory(*disk_, parent_of(file_));
}

Status FileReplacement::commit_new() {
  GRADMINT_CHECK(open_ != nullptr);
  if (const Status whole = link(); !whole.ok()) return whole;
  if (named_) {
    // link, unlike rename, leaves what is there.
    const int failed = disk_->link(beside_, file_);
    static_cast<void>(disk_->remove(beside_));
    if (failed == EEXIST) {
      return Error{ErrorCode::refused,
                   "'" + file_.string() + "' exists already; choose another name or move it away"};
    }
    if (failed != 0) return file_error("create", file_, failed);
  }
  return sync_directory(*disk_, parent_of(file_));
}

// Syncs, and names the file: at once by its own name where nothing has that, so that there is no
// moment at which a killed process would leave another.
Status FileReplacement::link() {
  if (const int failed = open_->sync()) return file_error("write", beside_, failed);
  if (!named_) {
    if (const int failed = open_->give_name(file_)) {
      if (failed != EEXIST) return file_error("write", file_, failed);
      if (const int beside = open_->give_name(beside_)) return file_error("write", beside_, beside);
      named_ = true;
    }
  }
  const int failed = std::exchange(open_, nullptr)->close();
  if (failed == 0) return {};
  static_cast<void>(disk_->remove(named_ ? beside_ : file_));
  return file_error("write", file_, failed);
}

Status create_file(Disk& disk, const std::filesystem::path& file, ByteView content, unsigned mode) {
  auto made = FileReplacement::begin(disk, file, mode);
  if (!made.ok()) return made.error();
  if (const Status written = made->write(content); !written.ok()) return written;
  return made->commit_new();
}

Result<std::uint64_t> copy_durably(const std::filesystem::path& from,
                                   const std::filesystem::path& to) {
  Disk& disk = posix_disk();
  std::unique_ptr<DiskFile> source;
  if (const int failed = disk.open(from, Disk::Open::existing, 0, source))
    return file_error("open", from, failed);
  const unsigned mode = disk.look(from).mode;
  auto copy = FileReplacement::begin(disk, to, mode);
  if (!copy.ok()) return copy.error();
  Bytes piece(kCopyPieceBytes);
  for (std::uint64_t copied = 0;;) {
    std::size_t got = 0;
    if (const int failed = source->read_at(copied, piece, got))
      return file_error("read", from, failed);
    if (got == 0) {
      if (const Status done = copy->commit_new(); !done.ok()) return done.error();
      // Which the umask may have cut.
      if (const int failed = disk.set_mode(to, mode))
        return file_error("set the permissions of", to, failed);
      return copied;
    }
    if (const Status s = copy->write(ByteView(piece).first(got)); !s.ok()) return s.error();
    copied += got;
  }
}

void remove_partial_files(Disk& disk, const std::filesystem::path& directory) {
  std::vector<std::string> names;
  if (disk.list(directory, names) != 0) return;
  for (const std::string& name : names) {
    const std::filesystem::path path = directory / name;
    const DiskEntry entry = disk.look(path, Links::refuse);
    if (entry.is_directory()) {
      remove_partial_files(disk, path);
    } else if (entry.is_regular() && is_partial(name)) {
      static_cast<void>(disk.remove(path));
    }
  }
}

Status write_at(Disk& disk, const std::filesystem::path& file, std::uint64_t offset_bytes,
                ByteView bytes) {
  std::unique_ptr<DiskFile> open;
  if (const int failed = disk.open(file, Disk::Open::create, 0644, open))
    return file_error("open", file, failed);
  // What lies beyond is of an earlier attempt.
  if (const int failed = open->truncate(offset_bytes)) return file_error("truncate", file, failed);
  if (const int failed = open->append(bytes)) return file_error("write", file, failed);
  return {};
}

Status sync_file(Disk& disk, const std::filesystem::path& file) {
  std::unique_ptr<DiskFile> open;
  if (const int failed = disk.open(file, Disk::Open::existing, 0, open))
    return file_error("open", file, failed);
  if (const int failed = open->sync()) return file_error("sync", file, failed);
  return {};
}

Status sync_directory(Disk& disk, const std::filesystem::path& directory) {
  if (const int failed = disk.sync_directory(directory))
    return file_error("sync", directory, failed);
  return {};
}

Status create_directory_synced(Disk& disk, const std::filesystem::path& directory) {
  const int failed = disk.make_directory(directory, 0755);
  if (failed == 0) return sync_directory(disk, parent_of(directory));
  if (failed == EEXIST) {
    if (disk.look(directory).is_directory()) return {};
    return file_error("create directory", directory, ENOTDIR);
  }
  if (failed != ENOENT) return file_error("create directory", directory, failed);
  if (directory.empty() || directory == parent_of(directory)) {
    return file_error("create directory", directory, ENOENT);
  }
  if (const Status above = create_directory_synced(disk, parent_of(directory)); !above.ok())
    return above;
  if (const int again = disk.make_directory(directory, 0755); again != 0 && again != EEXIST) {
    return file_error("create directory", directory, again);
  }
  return sync_directory(disk, parent_of(directory));
}

}  // namespace gradmint
