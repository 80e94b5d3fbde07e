#include "ledger/leveldb_error.h"

#include <string>

#include "kernels/base/check.h"

namespace gradmint {

namespace {

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

bool disk_is_full(const std::string& text) {
  return contains(text, "No space left") || contains(text, "File too large") ||
         contains(text, "quota exceeded");
}

}  // namespace

Error damage_error(const std::filesystem::path& directory, const std::string& detail) {
  return {ErrorCode::corrupt, "the ledger in '" + directory.string() + "' is damaged: " + detail +
                                  "; restore it from a copy"};
}

Error leveldb_error(std::string_view what, const std::filesystem::path& directory,
                    const leveldb::Status& status) {
  GRADMINT_CHECK(!status.ok());
  const std::string detail = status.ToString();
  const std::string line =
      "cannot " + std::string(what) + " the ledger in '" + directory.string() + "': " + detail;
  if (status.IsInvalidArgument() && contains(detail, "create_if_missing")) {
    return {ErrorCode::not_found, "there is no ledger in '" + directory.string() + "'"};
  }
  if (status.IsIOError()) {
    if (detail.starts_with("IO error: lock ")) {
      return {ErrorCode::busy, "another process is using the ledger in '" + directory.string() +
                                   "'; stop it first, or only read"};
    }
    if (disk_is_full(detail)) return {ErrorCode::io, line + "; free some space and start again"};
    if (contains(detail, "Permission denied")) {
      return {ErrorCode::io, line + "; run as the user that owns it, or change its permissions"};
    }
    // LevelDB reports a read beyond the end of a mapped file, and a table that is gone, as I/O
    // errors.
    const bool unreadable_bytes =
        contains(detail, "Invalid argument") || contains(detail, "No such file");
    if (!unreadable_bytes) return {ErrorCode::io, line};
  }
  return damage_error(directory, detail);
}

}  // namespace gradmint
