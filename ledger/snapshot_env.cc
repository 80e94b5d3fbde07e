#include "ledger/snapshot_env.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "ledger/durable_file.h"

namespace gradmint {

namespace {

using leveldb::Slice;
using LevelStatus = leveldb::Status;

// A database that changes under 200 attempts is being rewritten faster than it can be listed.
constexpr int kAttemptsMax = 200;

// What may be read into memory. A log is turned into tables when it passes LevelDB's 4 MiB, which
// the last batch, a block and what it changes, may pass by its own size; there are two logs at
// most. A manifest grows by some hundred bytes with each table until the writer starts again.
constexpr std::uint64_t kCurrentCapBytes = 4096;
constexpr std::uint64_t kManifestCapBytes = std::uint64_t{64} << 20;
constexpr std::uint64_t kLogsCapBytes = std::uint64_t{256} << 20;  // all of them
constexpr std::uint64_t kTableCapBytes = std::uint64_t{1} << 30;   // of 32 MiB, and one value more

// One file of the overlay: bytes in memory (what LevelDB writes, and the small files), or a table
// on disk, held open so that it stays readable after the writer has deleted it. Written by one
// thread before any reads.
class OverlayFile {
 public:
  OverlayFile() = default;
  explicit OverlayFile(std::string bytes) : bytes_(std::move(bytes)) {}
  OverlayFile(Descriptor fd, std::uint64_t size) : fd_(std::move(fd)), disk_size_(size) {}

  std::uint64_t size() const { return fd_.is_open() ? disk_size_ : bytes_.size(); }
  void append(const Slice& data) { bytes_.append(data.data(), data.size()); }

  LevelStatus read(std::uint64_t offset, std::size_t count, Slice* result, char* scratch) const {
    *result = Slice();
    if (offset >= size()) return LevelStatus::OK();
    count = std::min<std::uint64_t>(count, size() - offset);
    if (!fd_.is_open()) {
      *result = Slice(bytes_.data() + offset, count);
      return LevelStatus::OK();
    }
    std::size_t done = 0;
    while (done < count) {
      const ssize_t got =
          ::pread(fd_.get(), scratch + done, count - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return LevelStatus::IOError("table", std::generic_category().message(errno));
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    *result = Slice(scratch, done);
    return LevelStatus::OK();
  }

 private:
  std::string bytes_;
  Descriptor fd_;
  std::uint64_t disk_size_ = 0;
};
using FilePointer = std::shared_ptr<OverlayFile>;
using FileMap = std::map<std::string, FilePointer>;

class OverlaySequential : public leveldb::SequentialFile {
 public:
  explicit OverlaySequential(FilePointer file) : file_(std::move(file)) {}
  LevelStatus Read(std::size_t count, Slice* result, char* scratch) override {
    const LevelStatus status = file_->read(at_, count, result, scratch);
    at_ += result->size();
    return status;
  }
  LevelStatus Skip(std::uint64_t count) override {
    at_ += std::min(count, file_->size() - at_);
    return LevelStatus::OK();
  }

 private:
  FilePointer file_;
  std::uint64_t at_ = 0;
};

class OverlayRandomAccess : public leveldb::RandomAccessFile {
 public:
  explicit OverlayRandomAccess(FilePointer file) : file_(std::move(file)) {}
  LevelStatus Read(std::uint64_t offset, std::size_t count, Slice* result,
                   char* scratch) const override {
    return file_->read(offset, count, result, scratch);
  }

 private:
  FilePointer file_;
};

class OverlayWritable : public leveldb::WritableFile {
 public:
  explicit OverlayWritable(FilePointer file) : file_(std::move(file)) {}
  LevelStatus Append(const Slice& data) override {
    file_->append(data);
    return LevelStatus::OK();
  }
  LevelStatus Close() override { return LevelStatus::OK(); }
  LevelStatus Flush() override { return LevelStatus::OK(); }
  LevelStatus Sync() override { return LevelStatus::OK(); }

 private:
  FilePointer file_;
};

class NoLock : public leveldb::FileLock {};

class SilentLogger : public leveldb::Logger {
 public:
  void Logv(const char* /*format*/, std::va_list /*arguments*/) override {}
};

class SnapshotEnv : public leveldb::EnvWrapper {
 public:
  explicit SnapshotEnv(FileMap files)
      : EnvWrapper(leveldb::Env::Default()),
        files_(std::move(files)),
        opening_thread_(std::this_thread::get_id()) {}

  LevelStatus NewSequentialFile(const std::string& name,
                                leveldb::SequentialFile** result) override {
    return open<OverlaySequential>(name, result);
  }
  LevelStatus NewRandomAccessFile(const std::string& name,
                                  leveldb::RandomAccessFile** result) override {
    return open<OverlayRandomAccess>(name, result);
  }
  LevelStatus NewWritableFile(const std::string& name, leveldb::WritableFile** result) override {
    *result = nullptr;
    // Recovery writes on the opening thread; a background compaction would only copy the database
    // into memory. Refused once, LevelDB starts no other and goes on reading.
    if (std::this_thread::get_id() != opening_thread_) {
      return LevelStatus::IOError(name, "a snapshot is not compacted");
    }
    const std::scoped_lock lock(mutex_);
    FilePointer& file = files_[base_name(name)];
    file = std::make_shared<OverlayFile>();
    *result = new OverlayWritable(file);
    return LevelStatus::OK();
  }
  bool FileExists(const std::string& name) override {
    const std::scoped_lock lock(mutex_);
    return files_.contains(base_name(name));
  }
  LevelStatus GetChildren(const std::string& /*directory*/,
                          std::vector<std::string>* result) override {
    const std::scoped_lock lock(mutex_);
    result->clear();
    for (const auto& [name, file] : files_) result->push_back(name);
    return LevelStatus::OK();
  }
  LevelStatus RemoveFile(const std::string& name) override {
    const std::scoped_lock lock(mutex_);
    return files_.erase(base_name(name)) > 0 ? LevelStatus::OK() : missing(name);
  }
  LevelStatus GetFileSize(const std::string& name, std::uint64_t* size) override {
    const std::scoped_lock lock(mutex_);
    const auto found = files_.find(base_name(name));
    if (found == files_.end()) return missing(name);
    *size = found->second->size();
    return LevelStatus::OK();
  }
  LevelStatus RenameFile(const std::string& from, const std::string& to) override {
    const std::scoped_lock lock(mutex_);
    auto moved = files_.extract(base_name(from));
    if (moved.empty()) return missing(from);
    files_.erase(base_name(to));
    moved.key() = base_name(to);
    files_.insert(std::move(moved));
    return LevelStatus::OK();
  }
  LevelStatus CreateDir(const std::string& /*name*/) override { return LevelStatus::OK(); }
  LevelStatus RemoveDir(const std::string& /*name*/) override { return LevelStatus::OK(); }
  LevelStatus LockFile(const std::string& /*name*/, leveldb::FileLock** result) override {
    *result = new NoLock;
    return LevelStatus::OK();
  }
  LevelStatus UnlockFile(leveldb::FileLock* held) override {
    delete held;
    return LevelStatus::OK();
  }
  LevelStatus NewLogger(const std::string& /*name*/, leveldb::Logger** result) override {
    *result = new SilentLogger;
    return LevelStatus::OK();
  }

 private:
  static std::string base_name(const std::string& name) {
    return name.substr(name.find_last_of('/') + 1);
  }
  static LevelStatus missing(const std::string& name) {
    return LevelStatus::NotFound(name, "not in the snapshot");
  }
  template <class Opened, class Base>
  LevelStatus open(const std::string& name, Base** result) {
    *result = nullptr;
    const std::scoped_lock lock(mutex_);
    const auto found = files_.find(base_name(name));
    if (found == files_.end()) return missing(name);
    *result = new Opened(found->second);
    return LevelStatus::OK();
  }

  std::mutex mutex_;
  FileMap files_;
  const std::thread::id opening_thread_;
};

std::string to_text(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

// CURRENT and the MANIFEST it names: together they say which tables and logs make up the database.
// A missing MANIFEST is an empty text: either it was just replaced, or LevelDB will call it damage.
struct Root {
  std::string current, manifest_name, manifest;
  bool operator==(const Root&) const = default;
};

Result<Root> read_root(const std::filesystem::path& database) {
  Root root;
  const auto current = read_file(database / "CURRENT", kCurrentCapBytes, Links::refuse);
  if (!current.ok()) return current.error();
  root.current = to_text(*current);
  root.manifest_name = root.current.substr(0, root.current.find('\n'));
  if (root.manifest_name.empty() || root.manifest_name.find('/') != std::string::npos ||
      root.manifest_name.find('\0') != std::string::npos) {
    return root;
  }
  const auto manifest = read_file(database / root.manifest_name, kManifestCapBytes, Links::refuse);
  if (manifest.ok()) {
    root.manifest = to_text(*manifest);
  } else if (manifest.error().code != ErrorCode::not_found) {
    return manifest.error();
  }
  return root;
}

// The logs, oldest first, then the tables. A log is complete once a newer one exists, so reading
// them in this order never skips a write.
Result<std::vector<std::string>> list_logs_and_tables(const std::filesystem::path& database) {
  std::vector<std::string> logs, tables;
  std::error_code failed;
  for (std::filesystem::directory_iterator entry(database, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    if (name.ends_with(".log")) logs.push_back(name);
    if (name.ends_with(".ldb") || name.ends_with(".sst")) tables.push_back(name);
  }
  if (failed) return file_error("list", database, failed.value());
  std::ranges::sort(logs, [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  });
  logs.insert(logs.end(), tables.begin(), tables.end());
  return logs;
}

// `left_bytes`: what logs may still take.
Result<FilePointer> pin(const std::filesystem::path& file, std::uint64_t& left_bytes) {
  if (file.extension() != ".log") {
    auto table = open_regular_file(file, kTableCapBytes, Links::refuse);
    if (!table.ok()) return table.error();
    return std::make_shared<OverlayFile>(std::move(table->fd), table->size_bytes);
  }
  const auto bytes = read_file(file, left_bytes, Links::refuse);
  if (!bytes.ok()) return bytes.error();
  left_bytes -= bytes->size();
  return std::make_shared<OverlayFile>(to_text(*bytes));
}

Result<FileMap> pin_files(const std::filesystem::path& database, const Root& root) {
  const auto names = list_logs_and_tables(database);
  if (!names.ok()) return names.error();
  FileMap files;
  files["CURRENT"] = std::make_shared<OverlayFile>(root.current);
  if (!root.manifest.empty()) {
    files[root.manifest_name] = std::make_shared<OverlayFile>(root.manifest);
  }
  std::uint64_t left_bytes = kLogsCapBytes;
  for (const std::string& name : *names) {
    const auto pinned = pin(database / name, left_bytes);
    if (pinned.ok()) {
      files[name] = *pinned;
    } else if (pinned.error().code != ErrorCode::not_found) {
      return pinned.error();
    }
    // A file that went away was not part of this root, or the root will be seen to have changed.
  }
  return files;
}

}  // namespace

Result<std::unique_ptr<leveldb::Env>> take_snapshot(const std::filesystem::path& database) {
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    const auto before = read_root(database);
    if (!before.ok()) return before.error();
    auto files = pin_files(database, *before);
    if (!files.ok()) return files.error();
    const auto after = read_root(database);
    if (!after.ok()) return after.error();
    // Unchanged from before the listing until after it, so everything the root names was pinned.
    if (*before == *after) {
      return std::unique_ptr<leveldb::Env>(std::make_unique<SnapshotEnv>(std::move(*files)));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return Error{ErrorCode::busy, "the ledger in '" + database.string() +
                                    "' kept changing while it was being read; try again"};
}

}  // namespace gradmint
