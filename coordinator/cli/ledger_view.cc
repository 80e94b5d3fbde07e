#include "coordinator/cli/ledger_view.h"

#include "ledger/store.h"

namespace gradmint {

Result<LedgerView> open_ledger(const std::filesystem::path& directory) {
  const auto damaged = [&](const std::string& what) {
    return Error{ErrorCode::corrupt, directory.string() + ": " + what +
                                         "; gradmint audit verify --ledger " + directory.string() +
                                         " says where, restore it from a copy"};
  };
  if (!std::filesystem::is_directory(directory))
    return Error{ErrorCode::not_found,
                 "--ledger " + directory.string() +
                     ": there is no such directory; a coordinator's is HOME/ledger"};
  const auto store = LedgerStore::open(directory, LedgerStore::Mode::read_only);
  if (!store) return store.error();
  if (const Status whole = (*store)->compare_with_checkpoint(); !whole.ok()) return whole.error();
  const auto genesis_bytes = (*store)->genesis();
  if (!genesis_bytes) return genesis_bytes.error();
  if (std::string fault = genesis_schema_fault(*genesis_bytes); !fault.empty()) {
    return Error{ErrorCode::unsupported, std::move(fault)};
  }
  auto genesis = decode_record<GenesisRecord>(*genesis_bytes);
  if (!genesis) return damaged("the genesis record cannot be read");
  const auto newest = (*store)->tip();
  if (!newest)
    return Error{ErrorCode::not_found, directory.string() + ": this ledger has no block yet"};
  const auto block = (*store)->block(newest->height);
  if (!block) return block.error();
  const auto header = decode_record<Header>(block->header);
  if (!header) return damaged("the newest header cannot be read");
  LedgerView view{*std::move(genesis), *header, State{}, BlobStore(directory / "blobs")};
  const Status read = (*store)->for_each_state([&](std::string_view key, ByteView value) {
    view.state.insert(std::string(key), Bytes(value.begin(), value.end()));
  });
  if (!read.ok()) return read.error();
  if (view.state.root() != header->state_root)
    return damaged("the state is not the one of block " + std::to_string(header->height));
  return view;
}

}  // namespace gradmint
