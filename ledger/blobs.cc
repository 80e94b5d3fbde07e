#include "ledger/blobs.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "kernels/parallel.h"
#include "ledger/durable_file.h"
#include "ledger/merkle.h"

namespace gradmint {

namespace {

// Updates may tell something about the data they were trained on, so not everyone on the machine
// reads them.
constexpr unsigned kBlobMode = 0640;

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& file, std::uint64_t cap_bytes,
                                    Links links) {
  const auto opened = open_regular_file(file, cap_bytes, links);
  if (!opened.ok()) return opened.error();
  MappedFile mapped;
  if (opened->size_bytes == 0) return mapped;  // an empty mapping is refused by the system
  const auto size = static_cast<std::size_t>(opened->size_bytes);
  void* const address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, opened->fd.get(), 0);
  if (address == MAP_FAILED) return file_error("map", file, errno);
  mapped.mapping_ = std::shared_ptr<const void>(
      address, [size](const void* at) { ::munmap(const_cast<void*>(at), size); });
  mapped.bytes_ = {static_cast<const std::uint8_t*>(address), size};
  return mapped;
}

MappedFile MappedFile::part(std::size_t offset, std::size_t size) const {
  GRADMINT_CHECK(offset <= bytes_.size() && size <= bytes_.size() - offset);
  MappedFile part = *this;
  part.bytes_ = bytes_.subspan(offset, size);
  return part;
}

Result<MappedFile> BlobReader::get_verified(const Hash& root, std::uint64_t cap_bytes) const {
  auto mapped = get(root, cap_bytes);
  if (mapped.ok() && blob_root(mapped->bytes(), kernels::all_cores()) != root) {
    return Error{ErrorCode::corrupt, "blob " + to_hex(root) +
                                         " no longer has the root it is named for; restore it "
                                         "from a copy"};
  }
  return mapped;
}

std::filesystem::path BlobStore::path_of(const Hash& root) const {
  const std::string name = to_hex(root);
  return directory_ / name.substr(0, 2) / name;
}

bool BlobStore::contains(const Hash& root) const {
  std::error_code ignored;
  return std::filesystem::symlink_status(path_of(root), ignored).type() ==
         std::filesystem::file_type::regular;
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

Result<MappedFile> BlobStore::get(const Hash& root, std::uint64_t cap_bytes) const {
  auto mapped = MappedFile::open(path_of(root), cap_bytes, Links::refuse);
  if (!mapped.ok() && mapped.error().code == ErrorCode::not_found) {
    return Error{ErrorCode::not_found, "blob " + to_hex(root) + " is not in '" +
                                           directory_.string() +
                                           "'; fetch it or name the folder that has it"};
  }
  return mapped;
}

}  // namespace gradmint
