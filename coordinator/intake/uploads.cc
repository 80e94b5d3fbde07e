#include "coordinator/intake/uploads.h"

#include <algorithm>

#include "coordinator/protocol/limits.h"
#include "ledger/durable_file.h"

namespace gradmint {

struct Uploads::Open {
  Opening opening;
  std::filesystem::path path;
  std::unique_ptr<DiskFile> file;
  std::uint64_t held_bytes = 0;
  BlobHasher hasher;
};

namespace {

// Keeps whole chunks of a file left by an earlier run, hashed anew.
Status recover(DiskFile& file, const std::filesystem::path& path, std::uint64_t size_bytes,
               BlobHasher& hasher, std::uint64_t& held_bytes) {
  std::uint64_t keep = 0;
  if (const int failed = file.size(keep)) return file_error("read", path, failed);
  keep = std::min(keep, size_bytes);
  // The last chunk is always asked for again: its arrival is what completes an upload.
  if (keep > 0) keep = (keep - 1) / kMaxChunkBytes * kMaxChunkBytes;
  if (const int failed = file.truncate(keep)) return file_error("write", path, failed);
  Bytes buffer(std::size_t{1} << 20);
  while (held_bytes < keep) {
    const auto want =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), keep - held_bytes));
    std::size_t got = 0;
    const int failed = file.read_at(held_bytes, std::span(buffer).first(want), got);
    if (failed != 0 || got == 0) return file_error("read", path, failed);
    hasher.update(ByteView(buffer).first(got));
    held_bytes += got;
  }
  return Status{};
}

}  // namespace

Uploads::Uploads(std::filesystem::path directory, BlobStore blobs)
    : directory_(std::move(directory)), blobs_(std::move(blobs)) {}
Uploads::~Uploads() = default;

std::filesystem::path Uploads::file_of(const AccountId& worker, const Hash& root) const {
  return directory_ / (to_hex(worker).substr(0, 16) + "-" + to_hex(root) + ".part");
}

Result<std::uint64_t> Uploads::begin(const AccountId& worker, const Opening& opening) {
  // Only of the size promised: whoever commits to the root of some other blob (a layout, say) is
  // asked for bytes that do not exist.
  if (const auto held = blobs_.get(opening.root);
      held.ok() && held->bytes().size() == opening.size_bytes) {
    return opening.size_bytes;
  }
  const auto known = open_.find(worker);
  if (known != open_.end() && known->second->opening.root == opening.root) {
    return known->second->held_bytes;
  }
  if (Status made = create_directory_synced(blobs_.disk(), directory_); !made) return made.error();
  auto upload = std::make_unique<Open>();
  upload->opening = opening;
  upload->path = file_of(worker, opening.root);
  if (const int failed = blobs_.disk().open(upload->path, Disk::Open::create, 0600, upload->file)) {
    return file_error("create", upload->path, failed);
  }
  if (Status s = recover(*upload->file, upload->path, opening.size_bytes, upload->hasher,
                         upload->held_bytes);
      !s) {
    return s.error();
  }
  const std::uint64_t held_bytes = upload->held_bytes;
  open_[worker] = std::move(upload);
  return held_bytes;
}

Result<Uploads::Step> Uploads::add(const AccountId& worker, std::uint64_t offset_bytes,
                                   ByteView bytes) {
  const auto it = open_.find(worker);
  GRADMINT_CHECK(it != open_.end());
  Open& upload = *it->second;
  Step step;
  const std::uint64_t size_bytes = upload.opening.size_bytes;
  if (offset_bytes > size_bytes || bytes.size() > size_bytes - offset_bytes) {
    step.verdict = Verdict::wrong_size;
    step.next_offset_bytes = upload.held_bytes;
    return step;
  }
  // A repeated chunk (after a reconnect) is skipped; one that leaves a gap is not taken.
  if (offset_bytes <= upload.held_bytes && offset_bytes + bytes.size() > upload.held_bytes) {
    const ByteView fresh =
        bytes.subspan(static_cast<std::size_t>(upload.held_bytes - offset_bytes));
    if (const int failed = upload.file->append(fresh))
      return file_error("write", upload.path, failed);
    upload.hasher.update(fresh);
    upload.held_bytes += fresh.size();
  }
  step.next_offset_bytes = upload.held_bytes;
  if (upload.held_bytes < size_bytes) return step;

  if (upload.hasher.finish() != upload.opening.root) {
    static_cast<void>(blobs_.disk().remove(upload.path));
    open_.erase(it);
    step.verdict = Verdict::hash_mismatch;
    step.next_offset_bytes = 0;
    return step;
  }
  if (Status s = blobs_.adopt(upload.path, upload.opening.root); !s) return s.error();
  open_.erase(it);
  step.finished = true;
  return step;
}

bool Uploads::is_open(const AccountId& worker, const Hash& root) const {
  const auto it = open_.find(worker);
  return it != open_.end() && it->second->opening.root == root;
}

void Uploads::clear() {
  open_.clear();
  remove_tree(blobs_.disk(), directory_);
}

}  // namespace gradmint
