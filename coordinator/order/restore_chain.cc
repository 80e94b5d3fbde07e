#include "coordinator/order/restore_chain.h"

namespace gradmint {
namespace {

Error damaged(const std::string& what) {
  return Error{ErrorCode::corrupt,
               "the ledger's " + what + " cannot be read back: restore the ledger from a copy"};
}

}  // namespace

Result<Chain> restore_chain(const LedgerStore& store) {
  auto genesis_bytes = store.genesis();
  if (!genesis_bytes) return genesis_bytes.error();
  if (std::string fault = genesis_schema_fault(*genesis_bytes); !fault.empty()) {
    return Error{ErrorCode::unsupported, std::move(fault)};
  }
  auto genesis = decode_record<GenesisRecord>(*genesis_bytes);
  if (!genesis) return damaged("genesis");
  const auto tip = store.tip();
  if (!tip) return damaged("tip");

  std::vector<Hash> history;
  Header header;
  for (std::uint64_t height = 0; height <= tip->height; ++height) {
    auto block = store.block(height);
    if (!block) return block.error();
    const auto decoded = decode_record<Header>(block->header);
    if (!decoded) return damaged("header " + std::to_string(height));
    header = *decoded;
    history.push_back(header.hash());
  }
  State state;
  const Status read = store.for_each_state([&](std::string_view key, ByteView value) {
    state.insert(std::string(key), Bytes(value.begin(), value.end()));
  });
  if (!read) return read.error();
  return Chain::restore(*std::move(genesis), std::move(history), header, std::move(state));
}

Result<std::unique_ptr<LedgerStore>> open_ledger(const std::filesystem::path& directory,
                                                 Disk& disk) {
  // Opening for writing would begin an empty ledger where a lost one has been.
  if (!disk.look(directory).is_directory()) {
    return Error{ErrorCode::not_found,
                 "there is no ledger in " + directory.string() +
                     ": restore it from a copy; a new federation begins with gradmint coordinator "
                     "init in a home of its own"};
  }
  return LedgerStore::open(directory, LedgerStore::Mode::read_write, disk);
}

Status create_ledger(const std::filesystem::path& directory, const SignerFiles& files,
                     const SecretKey& validator, const GenesisRecord& genesis, Disk& disk) {
  auto signer = Signer::begin(validator, files, directory, disk);
  if (!signer) return signer.error();
  auto chain = Chain::start(genesis);
  if (!chain) return chain.error();
  auto store = LedgerStore::open(directory, LedgerStore::Mode::read_write, disk);
  if (!store) return store.error();
  if (Status s = (*store)->write_genesis(encode_record(genesis)); !s) return s;
  BlockDraft draft;
  draft.block.header = chain->tip();
  draft.block_hash = chain->tip_hash();
  draft.changes = chain->genesis_changes();
  const auto certificate = (*signer)->vote(draft.block);
  if (!certificate) return certificate.error();
  return (*store)->commit(batch_of(draft, *certificate));
}

}  // namespace gradmint
