#include "ledger/audit/ledger_source.h"

#include "ledger/bundle/bundle_reader.h"
#include "ledger/reader/child_reader.h"

namespace gradmint {

Result<LedgerSource> open_ledger_source(const std::filesystem::path& path,
                                        const std::vector<std::string>& reader_command) {
  std::error_code failed;
  const auto status = std::filesystem::status(path, failed);
  if (std::filesystem::exists(status) && !std::filesystem::is_directory(status)) {
    auto bundle = BundleReader::open(path);
    if (!bundle.ok()) return bundle.error();
    const std::shared_ptr<const BundleReader> shared(*std::move(bundle));
    return LedgerSource{shared, shared, shared->blob_count()};
  }
  auto store = read_in_child(path, reader_command);
  if (!store.ok()) return store.error();
  return LedgerSource{*std::move(store), std::make_shared<BlobStore>(path / "blobs")};
}

}  // namespace gradmint
