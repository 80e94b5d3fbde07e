#include "ledger/blobs.h"

#include "kernels/parallel.h"
#include "ledger/durable_file.h"
#include "ledger/merkle.h"

namespace gradmint {

namespace {

// Updates may tell something about the data they were trained on, so not everyone on the machine
// reads them.
constexpr unsigned kBlobMode = 0640;

}  // namespace

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
  return disk_->look(path_of(root), Links::refuse).is_regular();
}

Result<Hash> BlobStore::put(ByteView payload) const {
  const Hash root = blob_root(payload, kernels::all_cores());
  // A damaged copy is written again, so storing a blob once more repairs it.
  if (contains(root) && get_verified(root).ok()) return root;
  const auto file = path_of(root);
  if (const Status made = create_directory_synced(*disk_, file.parent_path()); !made.ok()) {
    return made.error();
  }
  if (const Status written = replace_file(*disk_, file, payload, kBlobMode); !written.ok()) {
    return written.error();
  }
  return root;
}

Status BlobStore::adopt(const std::filesystem::path& file, const Hash& expected_root) const {
  {
    const auto mapped = disk_->map(file);
    if (!mapped.ok()) return mapped.error();
    const Hash root = blob_root(mapped->bytes(), kernels::all_cores());
    if (root != expected_root) {
      return Error{ErrorCode::refused, "'" + file.string() + "' has the root " + to_hex(root) +
                                           ", not the promised " + to_hex(expected_root)};
    }
  }
  if (const Status synced = sync_file(*disk_, file); !synced.ok()) return synced;
  const auto target = path_of(expected_root);
  if (const Status made = create_directory_synced(*disk_, target.parent_path()); !made.ok())
    return made;
  if (const int failed = disk_->rename(file, target))
    return file_error("rename to", target, failed);
  return sync_directory(*disk_, target.parent_path());
}

Result<MappedFile> BlobStore::get(const Hash& root, std::uint64_t cap_bytes) const {
  auto mapped = disk_->map(path_of(root), cap_bytes, Links::refuse);
  if (!mapped.ok() && mapped.error().code == ErrorCode::not_found) {
    return Error{ErrorCode::not_found, "blob " + to_hex(root) + " is not in '" +
                                           directory_.string() +
                                           "'; fetch it or name the folder that has it"};
  }
  return mapped;
}

}  // namespace gradmint
