#include "coordinator/intake/uploads.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "coordinator/protocol/limits.h"
#include "ledger/durable_file.h"

namespace gradmint {

struct Uploads::Open {
  Opening opening;
  std::filesystem::path file;
  int fd = -1;
  std::uint64_t held_bytes = 0;
  BlobHasher hasher;
  ~Open() {
    if (fd >= 0) ::close(fd);
  }
};

namespace {

Status write_all(int fd, const std::filesystem::path& file, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return file_error("write", file, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return Status{};
}

// Keeps whole chunks of a file left by an earlier run, hashed anew.
Status recover(int fd, const std::filesystem::path& file, std::uint64_t size_bytes,
               BlobHasher& hasher, std::uint64_t& held_bytes) {
  const auto length = ::lseek(fd, 0, SEEK_END);
  if (length < 0) return file_error("read", file, errno);
  std::uint64_t keep = std::min<std::uint64_t>(static_cast<std::uint64_t>(length), size_bytes);
  // The last chunk is always asked for again: its arrival is what completes an upload.
  if (keep > 0) keep = (keep - 1) / kMaxChunkBytes * kMaxChunkBytes;
  if (::ftruncate(fd, static_cast<off_t>(keep)) != 0) return file_error("write", file, errno);
  ::lseek(fd, 0, SEEK_SET);
  Bytes buffer(std::size_t{1} << 20);
  while (held_bytes < keep) {
    const auto want =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), keep - held_bytes));
    const ssize_t n = ::read(fd, buffer.data(), want);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return file_error("read", file, errno);
    hasher.update(ByteView(buffer).first(static_cast<std::size_t>(n)));
    held_bytes += static_cast<std::uint64_t>(n);
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
  if (Status made = create_directory_synced(directory_); !made) return made.error();
  auto upload = std::make_unique<Open>();
  upload->opening = opening;
  upload->file = file_of(worker, opening.root);
  upload->fd = ::open(upload->file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (upload->fd < 0) return file_error("create", upload->file, errno);
  if (Status s =
          recover(upload->fd, upload->file, opening.size_bytes, upload->hasher, upload->held_bytes);
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
    if (Status s = write_all(upload.fd, upload.file, fresh); !s) return s.error();
    upload.hasher.update(fresh);
    upload.held_bytes += fresh.size();
  }
  step.next_offset_bytes = upload.held_bytes;
  if (upload.held_bytes < size_bytes) return step;

  if (upload.hasher.finish() != upload.opening.root) {
    std::error_code ignored;
    std::filesystem::remove(upload.file, ignored);
    open_.erase(it);
    step.verdict = Verdict::hash_mismatch;
    step.next_offset_bytes = 0;
    return step;
  }
  if (Status s = sync_file(upload.file); !s) return s.error();
  if (Status s = blobs_.adopt(upload.file, upload.opening.root); !s) return s.error();
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
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

}  // namespace gradmint
