#include "ledger/blobs.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "kernels/parallel.h"
#include "ledger/durable_file.h"
#include "ledger/merkle.h"

namespace gradmint {

namespace {

// Updates may tell something about the data they were trained on, so not everyone on the machine
// reads them.
constexpr unsigned kBlobMode = 0640;

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& file) {
  // A pipe that nobody writes to would be waited for.
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return file_error("open", file, errno);
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    return Error{ErrorCode::bad_input, "'" + file.string() + "' is not a regular file"};
  }
  MappedFile mapped;
  mapped.size_ = static_cast<std::size_t>(info.st_size);
  if (mapped.size_ > 0) {  // an empty mapping is refused by the system
    void* const address = ::mmap(nullptr, mapped.size_, PROT_READ, MAP_PRIVATE, fd, 0);
    if (address == MAP_FAILED) {
      const int reason = errno;
      ::close(fd);
      mapped.size_ = 0;
      return file_error("map", file, reason);
    }
    mapped.data_ = static_cast<const std::uint8_t*>(address);
  }
  ::close(fd);
  return mapped;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::uint8_t*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

std::filesystem::path BlobStore::path_of(const Hash& root) const {
  const std::string name = to_hex(root);
  return directory_ / name.substr(0, 2) / name;
}

bool BlobStore::contains(const Hash& root) const {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path_of(root), ignored);
}

Result<Hash> BlobStore::put(ByteView payload) const {
  const Hash root = blob_root(payload, kernels::all_cores());
  // A damaged copy is written again, so storing a blob once more repairs it.
  if (contains(root) && get_verified(root).ok()) return root;
  const auto file = path_of(root);
  if (const Status made = create_directory_synced(file.parent_path()); !made.ok()) {
    return made.error();
  }
  if (const Status written = replace_file(file, payload, kBlobMode); !written.ok()) {
    return written.error();
  }
  return root;
}

Status BlobStore::adopt(const std::filesystem::path& file, const Hash& expected_root) const {
  {
    const auto mapped = MappedFile::open(file);
    if (!mapped.ok()) return mapped.error();
    const Hash root = blob_root(mapped->bytes(), kernels::all_cores());
    if (root != expected_root) {
      return Error{ErrorCode::refused, "'" + file.string() + "' has the root " + to_hex(root) +
                                           ", not the promised " + to_hex(expected_root)};
    }
  }
  if (const Status synced = sync_file(file); !synced.ok()) return synced;
  const auto target = path_of(expected_root);
  if (const Status made = create_directory_synced(target.parent_path()); !made.ok()) return made;
  if (::rename(file.c_str(), target.c_str()) != 0) return file_error("rename to", target, errno);
  return sync_directory(target.parent_path());
}

Result<MappedFile> BlobStore::get(const Hash& root) const {
  auto mapped = MappedFile::open(path_of(root));
  if (!mapped.ok() && mapped.error().code == ErrorCode::not_found) {
    return Error{ErrorCode::not_found, "blob " + to_hex(root) + " is not in '" +
                                           directory_.string() +
                                           "'; fetch it or name the folder that has it"};
  }
  return mapped;
}

Result<MappedFile> BlobStore::get_verified(const Hash& root) const {
  auto mapped = get(root);
  if (mapped.ok() && blob_root(mapped->bytes(), kernels::all_cores()) != root) {
    return Error{ErrorCode::corrupt, "'" + path_of(root).string() +
                                         "' no longer has the root it is named for; restore it "
                                         "from a copy"};
  }
  return mapped;
}

}  // namespace gradmint
