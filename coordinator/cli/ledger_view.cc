#include "coordinator/cli/ledger_view.h"

#include "coordinator/cli/reader_command.h"
#include "ledger/audit/verify.h"

namespace gradmint {
namespace {

Result<LedgerView> view_of_bundle(const LedgerSource& source) {
  auto opened = open_history(source);
  if (!opened) return opened.error();
  return LedgerView{opened->history.genesis, opened->chain.tip(), opened->chain.state(),
                    source.blobs};
}

Result<LedgerView> view_of_store(const std::filesystem::path& directory, const StoreReader& store,
                                 const LedgerSource& source) {
  const auto damaged = [&](const std::string& what) {
    return Error{ErrorCode::corrupt, directory.string() + ": " + what +
                                         "; gradmint audit verify --ledger " + directory.string() +
                                         " says where, restore it from a copy"};
  };
  if (const Status whole = store.compare_with_checkpoint(); !whole.ok()) return whole.error();
  const auto genesis_bytes = store.genesis();
  if (!genesis_bytes) return genesis_bytes.error();
  if (std::string fault = genesis_schema_fault(*genesis_bytes); !fault.empty()) {
    return Error{ErrorCode::unsupported, std::move(fault)};
  }
  auto genesis = decode_record<GenesisRecord>(*genesis_bytes);
  if (!genesis) return damaged("the genesis record cannot be read");
  const auto newest = store.tip();
  if (!newest)
    return Error{ErrorCode::not_found, directory.string() + ": this ledger has no block yet"};
  const auto block = store.block(newest->height);
  if (!block) return block.error();
  const auto header = decode_record<Header>(block->header);
  if (!header) return damaged("the newest header cannot be read");
  LedgerView view{*std::move(genesis), *header, State{}, source.blobs};
  const Status read = store.for_each_state([&](std::string_view key, ByteView value) {
    view.state.insert(std::string(key), Bytes(value.begin(), value.end()));
  });
  if (!read.ok()) return read.error();
  if (view.state.root() != header->state_root)
    return damaged("the state is not the one of block " + std::to_string(header->height));
  return view;
}

}  // namespace

Result<LedgerSource> open_source(const std::filesystem::path& ledger) {
  return open_ledger_source(ledger, {"/proc/self/exe", kReaderCommand});
}

Result<LedgerView> open_ledger(const std::filesystem::path& ledger) {
  std::error_code failed;
  if (!std::filesystem::exists(ledger, failed))
    return Error{ErrorCode::not_found,
                 "--ledger " + ledger.string() +
                     ": there is no such directory; a coordinator's is HOME/ledger"};
  const auto source = open_source(ledger);
  if (!source) return source.error();
  const StoreReader* const store = source->ledger->store();
  return store == nullptr ? view_of_bundle(*source) : view_of_store(ledger, *store, *source);
}

}  // namespace gradmint
