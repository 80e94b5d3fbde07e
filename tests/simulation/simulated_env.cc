#include "tests/simulation/simulated_env.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace gradmint::simulation {
namespace {

using leveldb::Slice;
using leveldb::Status;

Status status_of(const std::string& name, int error) {
  if (error == 0) return Status::OK();
  if (error == ENOENT) return Status::NotFound(name, std::strerror(error));
  return Status::IOError(name, std::strerror(error));
}

// A file as it was when it was opened, read in pieces.
Status map_file(SimulatedDisk& disk, const std::string& name, std::optional<MappedFile>& mapped) {
  if (!disk.has_power()) return status_of(name, EIO);
  if (!disk.look(name, Links::follow).is_regular()) return status_of(name, ENOENT);
  auto file = disk.map(name, kAnySizeBytes, Links::follow);
  if (!file.ok()) return status_of(name, EIO);
  mapped = *std::move(file);
  return Status::OK();
}

class SequentialFile final : public leveldb::SequentialFile {
 public:
  explicit SequentialFile(MappedFile file) : file_(std::move(file)) {}
  Status Read(std::size_t n, Slice* result, char* scratch) override {
    const std::size_t got = std::min(n, file_.bytes().size() - at_);
    if (got > 0) std::memcpy(scratch, file_.bytes().data() + at_, got);
    at_ += got;
    *result = Slice(scratch, got);
    return Status::OK();
  }
  Status Skip(std::uint64_t n) override {
    at_ += std::min<std::size_t>(n, file_.bytes().size() - at_);
    return Status::OK();
  }

 private:
  MappedFile file_;
  std::size_t at_ = 0;
};

class RandomAccessFile final : public leveldb::RandomAccessFile {
 public:
  explicit RandomAccessFile(MappedFile file) : file_(std::move(file)) {}
  Status Read(std::uint64_t offset, std::size_t n, Slice* result, char*) const override {
    const std::size_t from = std::min<std::size_t>(offset, file_.bytes().size());
    const std::size_t got = std::min(n, file_.bytes().size() - from);
    *result = Slice(reinterpret_cast<const char*>(file_.bytes().data()) + from, got);
    return Status::OK();
  }

 private:
  MappedFile file_;
};

// As LevelDB's own: the directory is synced before a manifest is.
class WritableFile final : public leveldb::WritableFile {
 public:
  WritableFile(SimulatedDisk& disk, std::string name, std::unique_ptr<DiskFile> file)
      : disk_(disk), name_(std::move(name)), file_(std::move(file)) {}
  Status Append(const Slice& data) override {
    buffer_.append(data.data(), data.size());
    return Status::OK();
  }
  Status Close() override { return Flush(); }
  Status Flush() override {
    if (buffer_.empty()) return Status::OK();
    const int failed = file_->append(as_bytes(buffer_));
    buffer_.clear();
    return status_of(name_, failed);
  }
  Status Sync() override {
    const std::filesystem::path path(name_);
    if (path.filename().string().starts_with("MANIFEST")) {
      if (const int failed = disk_.sync_directory(path.parent_path()))
        return status_of(name_, failed);
    }
    if (const Status flushed = Flush(); !flushed.ok()) return flushed;
    return status_of(name_, file_->sync());
  }

 private:
  SimulatedDisk& disk_;
  std::string name_;
  std::unique_ptr<DiskFile> file_;
  std::string buffer_;
};

class Lock final : public leveldb::FileLock {};

}  // namespace

Status SimulatedEnv::NewSequentialFile(const std::string& name, leveldb::SequentialFile** file) {
  std::optional<MappedFile> mapped;
  const Status status = map_file(disk_, name, mapped);
  *file = status.ok() ? new SequentialFile(*std::move(mapped)) : nullptr;
  return status;
}

Status SimulatedEnv::NewRandomAccessFile(const std::string& name,
                                         leveldb::RandomAccessFile** file) {
  std::optional<MappedFile> mapped;
  const Status status = map_file(disk_, name, mapped);
  *file = status.ok() ? new RandomAccessFile(*std::move(mapped)) : nullptr;
  return status;
}

Status SimulatedEnv::NewWritableFile(const std::string& name, leveldb::WritableFile** file) {
  *file = nullptr;
  std::unique_ptr<DiskFile> opened;
  int failed = disk_.open(name, Disk::Open::create, 0644, opened);
  if (failed == 0) failed = opened->truncate(0);
  if (failed == 0) *file = new WritableFile(disk_, name, std::move(opened));
  return status_of(name, failed);
}

Status SimulatedEnv::NewAppendableFile(const std::string& name, leveldb::WritableFile** file) {
  *file = nullptr;
  std::unique_ptr<DiskFile> opened;
  const int failed = disk_.open(name, Disk::Open::create, 0644, opened);
  if (failed == 0) *file = new WritableFile(disk_, name, std::move(opened));
  return status_of(name, failed);
}

bool SimulatedEnv::FileExists(const std::string& name) {
  return disk_.look(name, Links::follow).is_there();
}

Status SimulatedEnv::GetChildren(const std::string& directory, std::vector<std::string>* names) {
  names->clear();
  return status_of(directory, disk_.list(directory, *names));
}

Status SimulatedEnv::RemoveFile(const std::string& name) {
  return status_of(name, disk_.remove(name));
}

Status SimulatedEnv::CreateDir(const std::string& name) {
  return status_of(name, disk_.make_directory(name, 0755));
}

Status SimulatedEnv::RemoveDir(const std::string& name) {
  return status_of(name, disk_.remove(name));
}

Status SimulatedEnv::GetFileSize(const std::string& name, std::uint64_t* size_bytes) {
  const DiskEntry entry = disk_.look(name, Links::follow);
  *size_bytes = entry.size_bytes;
  return status_of(name, entry.is_there() ? 0 : ENOENT);
}

Status SimulatedEnv::RenameFile(const std::string& from, const std::string& to) {
  return status_of(from, disk_.rename(from, to));
}

// The directory is locked by whoever opens the store (ledger/directory_lock.h).
Status SimulatedEnv::LockFile(const std::string&, leveldb::FileLock** lock) {
  *lock = new Lock;
  return Status::OK();
}

Status SimulatedEnv::UnlockFile(leveldb::FileLock* lock) {
  delete lock;
  return Status::OK();
}

void SimulatedEnv::Schedule(void (*work)(void*), void* argument) { disk_.schedule(work, argument); }

Status SimulatedEnv::NewLogger(const std::string& name, leveldb::Logger** logger) {
  *logger = nullptr;
  return Status::NotSupported(name);
}

}  // namespace gradmint::simulation
