#include "coordinator/order/orderer.h"

namespace gradmint {
namespace {

// What waits for a block: transactions and bytes. All of it fits into one. A source has a small
// part, and strangers together a quarter, so that those who flood meet their own end and nobody
// else's.
constexpr std::size_t kMaxQueued = 4096, kMaxQueuedOfStrangers = 1024, kMaxQueuedOfSource = 16;
constexpr std::size_t kMaxQueuedBytes = kMaxBlockBytes;
constexpr std::size_t kMaxQueuedBytesOfStrangers = kMaxBlockBytes / 4;
constexpr std::size_t kMaxQueuedBytesOfSource = 512 * 1024;

Error damaged(const std::string& what) {
  return Error{ErrorCode::corrupt,
               "the ledger's " + what + " cannot be read back: restore the ledger from a copy"};
}

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

}  // namespace

Orderer::Orderer(Chain chain, std::unique_ptr<LedgerStore> store, SignGuard guard,
                 const SecretKey& key)
    : chain_(std::move(chain)),
      store_(std::move(store)),
      guard_(std::move(guard)),
      key_(key),
      account_(key.account()) {}

Status Orderer::create(const std::filesystem::path& directory, const SignGuard& guard,
                       const GenesisRecord& genesis, const SecretKey& validator, Disk& disk) {
  // What an interrupted init has signed is block 0 of a chain that never was.
  if (const auto newest = guard.read(); newest.ok() && newest->height > 0) {
    return Error{
        ErrorCode::bad_input,
        "'" + guard.file().string() + "' says that this validator's key has signed block " +
            std::to_string(newest->height) + " of a ledger that is not in '" + directory.string() +
            "': restore it, or begin a new federation in a home of its own"};
  }
  auto chain = Chain::start(genesis);
  if (!chain) return chain.error();
  auto store = LedgerStore::open(directory, LedgerStore::Mode::read_write, disk);
  if (!store) return store.error();
  if (Status s = (*store)->write_genesis(encode_record(genesis)); !s) return s;
  BlockDraft draft;
  draft.block.header = chain->tip();
  draft.block_hash = chain->tip_hash();
  draft.changes = chain->genesis_changes();
  const Certificate certificate = certify(chain->tip(), {{0, validator}});
  if (Status kept = guard.write(signed_block(draft, certificate, 0)); !kept) return kept;
  return (*store)->commit(batch_of(draft, certificate));
}

Result<std::unique_ptr<Orderer>> Orderer::open(const std::filesystem::path& directory,
                                               SignGuard guard, const SecretKey& validator,
                                               Disk& disk) {
  // Opening for writing would begin an empty ledger where a lost one has been.
  if (!disk.look(directory).is_directory()) {
    return Error{ErrorCode::not_found,
                 "there is no ledger in " + directory.string() +
                     ": restore it from a copy; a new federation begins with gradmint coordinator "
                     "init in a home of its own"};
  }
  auto store = LedgerStore::open(directory, LedgerStore::Mode::read_write, disk);
  if (!store) return store.error();
  auto chain = restore_chain(**store);
  if (!chain) return chain.error();
  if (chain->genesis().validators.size() != 1) {
    return Error{ErrorCode::unsupported, "this ledger names " +
                                             std::to_string(chain->genesis().validators.size()) +
                                             " validators; this release orders blocks for one"};
  }
  if (chain->genesis().validators.front().public_key != validator.public_key()) {
    return Error{ErrorCode::refused,
                 "the validator key is not the one this ledger's genesis names"};
  }
  std::unique_ptr<Orderer> orderer(
      new Orderer(*std::move(chain), *std::move(store), std::move(guard), validator));
  if (Status ready = orderer->agree_with_guard(directory); !ready) return ready.error();
  return orderer;
}

Status Orderer::agree_with_guard(const std::filesystem::path& directory) {
  auto missing = may_sign(guard_, chain_, directory);
  if (!missing) return missing.error();
  const auto newest = guard_.read();
  if (!newest) return newest.error();
  vouched_height_ = newest->vouched_height;
  if (!*missing) return {};
  // Signed, and then the process ended: the same signature again, for the same block.
  BlockDraft draft = **std::move(missing);
  const Certificate certificate = certify(draft.block.header, {{0, key_}});
  if (Status stored = store_->commit(batch_of(draft, certificate)); !stored) return stored;
  chain_.commit(std::move(draft));
  return {};
}

bool Orderer::QueueShare::has_room(const QueueShare& limit, std::size_t size_bytes) const {
  return transactions < limit.transactions && bytes + size_bytes <= limit.bytes;
}

void Orderer::QueueShare::add(std::size_t size_bytes) {
  transactions += 1;
  bytes += size_bytes;
}

bool Orderer::submit(SignedTransaction transaction, std::uint64_t ticket, const Source& source) {
  const std::size_t size_bytes = transaction.bytes.size();
  const auto known = sources_.find(source.connection_key);
  QueueShare own = known == sources_.end() ? QueueShare{} : known->second;
  if (!queued_.has_room({kMaxQueued, kMaxQueuedBytes}, size_bytes) ||
      !own.has_room({kMaxQueuedOfSource, kMaxQueuedBytesOfSource}, size_bytes)) {
    return false;
  }
  if (!source.is_enrolled) {
    if (!strangers_.has_room({kMaxQueuedOfStrangers, kMaxQueuedBytesOfStrangers}, size_bytes)) {
      return false;
    }
    strangers_.add(size_bytes);
  }
  queued_.add(size_bytes);
  own.add(size_bytes);
  sources_[source.connection_key] = own;
  queue_.emplace_back(ticket, std::move(transaction));
  return true;
}

void Orderer::propose(TxType type, Bytes body, std::uint64_t ticket) {
  proposals_.push_back({type, std::move(body), ticket});
}

// Of those that may be refused the first alone, behind all others. Returns how many the next block
// takes.
std::size_t Orderer::order_proposals() {
  const auto risky =
      std::stable_partition(proposals_.begin(), proposals_.end(),
                            [](const Proposal& p) { return !may_be_refused(p.type); });
  const auto safe = static_cast<std::size_t>(risky - proposals_.begin());
  return risky == proposals_.end() ? safe : safe + 1;
}

void Orderer::forget_pending(std::vector<std::string> keys) {
  needless_.insert(needless_.end(), keys.begin(), keys.end());
}

SignedTransaction Orderer::sign_own(TxType type, Bytes body, std::uint64_t nonce) const {
  Transaction t;
  t.type = type;
  t.chain_id = chain_.chain_id();
  t.sender = account_;
  t.nonce = nonce;
  t.seen_height = chain_.height();
  t.seen_hash = chain_.tip_hash();
  t.body = std::move(body);
  return sign_transaction(t, key_);
}

Result<OrderedBlock> Orderer::make_block(std::uint64_t time_ms, bool even_if_empty) {
  OrderedBlock out;
  std::vector<SignedTransaction> candidates;
  std::vector<std::uint64_t> tickets;
  const auto own = get<AccountRecord>(chain_.state(), state_key::account(account_));
  GRADMINT_CHECK(own.has_value());
  std::uint64_t nonce = own->nonce;
  const std::size_t own_count = order_proposals();
  for (std::size_t i = 0; i < own_count; ++i) {
    candidates.push_back(sign_own(proposals_[i].type, proposals_[i].body, nonce++));
    tickets.push_back(proposals_[i].ticket);
  }
  for (const auto& [ticket, transaction] : queue_) {
    candidates.push_back(transaction);
    tickets.push_back(ticket);
  }
  BlockDraft draft = chain_.prepare(candidates, time_ms, account_);
  if (!draft.block.transactions.empty() || even_if_empty) {
    const Certificate certificate = certify(draft.block.header, {{0, key_}});
    const SignedBlock newest = signed_block(draft, certificate, vouched_height_);
    if (Status kept = guard_.write(newest); !kept) return kept.error();
    BlockBatch batch = batch_of(draft, certificate);
    batch.pending_removed = needless_;
    if (Status stored = store_->commit(batch); !stored) return stored.error();
    needless_.clear();
    out.committed = true;
    out.receipts = draft.receipts;
  }
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    out.outcomes.push_back({tickets[i], std::move(candidates[i]), draft.verdicts[i]});
  }
  if (out.committed) chain_.commit(std::move(draft));
  proposals_.erase(proposals_.begin(), proposals_.begin() + static_cast<std::ptrdiff_t>(own_count));
  queue_.clear();
  sources_.clear();
  queued_ = strangers_ = QueueShare{};
  return out;
}

}  // namespace gradmint
