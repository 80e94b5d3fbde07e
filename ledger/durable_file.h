// Files that must survive a power cut: written beside their place, synced, renamed, and the
// directory synced. Shared by the keystore, the blobs and the block store. Without a disk they lie
// on posix_disk(). Thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "kernels/base/result.h"
#include "ledger/bytes.h"
#include "ledger/disk.h"
#include "ledger/regular_file.h"

namespace gradmint {

// The Error for a failed system call on `path`: not_found for a missing file, io for the rest; the
// line says what was tried, why it failed and, where that is known, what to do.
Error file_error(std::string_view what, const std::filesystem::path& path, int error_number);

// Replaces `file` as one step: whoever reads it, or finds it after a crash, sees the old bytes or
// the new. `mode` are the permission bits of the new file.
Status replace_file(Disk& disk, const std::filesystem::path& file, ByteView content,
                    unsigned mode = 0644);
inline Status replace_file(const std::filesystem::path& file, ByteView content,
                           unsigned mode = 0644) {
  return replace_file(posix_disk(), file, content, mode);
}

// The same for content that comes in pieces. What was not committed leaves nothing behind, nor does
// a process that is killed, where the file system has files without names (ext4, xfs, btrfs,
// tmpfs); elsewhere the file is called FILE.partial-... until then. Where another file is replaced
// there is a moment, between link and rename, at which a kill leaves that name too:
// remove_partial_files is for those.
class FileReplacement {
 public:
  // refused where `file` is there and is not a regular file.
  static Result<FileReplacement> begin(Disk& disk, const std::filesystem::path& file,
                                       unsigned mode = 0644);
  static Result<FileReplacement> begin(const std::filesystem::path& file, unsigned mode = 0644) {
    return begin(posix_disk(), file, mode);
  }
  ~FileReplacement();
  FileReplacement(FileReplacement&& other) noexcept = default;
  FileReplacement& operator=(FileReplacement&&) = delete;

  Status write(ByteView piece);
  // One of these, once; nothing may follow it.
  Status commit();
  Status commit_new();  // refused where something has the name by now; that stays as it is

 private:
  FileReplacement(Disk& disk, std::filesystem::path file, std::filesystem::path beside,
                  std::unique_ptr<DiskFile> open, bool named);
  Status link();
  Disk* disk_;
  std::filesystem::path file_, beside_;
  std::unique_ptr<DiskFile> open_;  // null: committed, or moved from
  bool named_ = false;              // the file is called beside_
};

// Creates a file that must not exist yet (refused when it does), synced with its directory. It is
// there whole or not at all, also after a crash.
Status create_file(Disk& disk, const std::filesystem::path& file, ByteView content, unsigned mode);
inline Status create_file(const std::filesystem::path& file, ByteView content, unsigned mode) {
  return create_file(posix_disk(), file, content, mode);
}

// create_file with the bytes and permissions of another; how many bytes. An error names the file
// that failed.
Result<std::uint64_t> copy_durably(const std::filesystem::path& from,
                                   const std::filesystem::path& to);

// Removes what killed processes have left of unfinished files, in `directory` and below it. Only
// for whoever alone may write there: it holds the lock (directory_lock.h).
void remove_partial_files(Disk& disk, const std::filesystem::path& directory);
inline void remove_partial_files(const std::filesystem::path& directory) {
  remove_partial_files(posix_disk(), directory);
}

// Writes `bytes` at `offset_bytes` of a file, which then ends with them; makes it where there is
// none. Not synced.
Status write_at(Disk& disk, const std::filesystem::path& file, std::uint64_t offset_bytes,
                ByteView bytes);
inline Status write_at(const std::filesystem::path& file, std::uint64_t offset_bytes,
                       ByteView bytes) {
  return write_at(posix_disk(), file, offset_bytes, bytes);
}

Status sync_file(Disk& disk, const std::filesystem::path& file);
inline Status sync_file(const std::filesystem::path& file) { return sync_file(posix_disk(), file); }
Status sync_directory(Disk& disk, const std::filesystem::path& directory);
inline Status sync_directory(const std::filesystem::path& directory) {
  return sync_directory(posix_disk(), directory);
}

// Creates the directory and its missing parents, each synced into the one above it.
Status create_directory_synced(Disk& disk, const std::filesystem::path& directory);
inline Status create_directory_synced(const std::filesystem::path& directory) {
  return create_directory_synced(posix_disk(), directory);
}

}  // namespace gradmint
