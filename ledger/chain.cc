#include "ledger/chain.h"

#include <algorithm>

#include "contracts/amount.h"
#include "ledger/scaler.h"

namespace gradmint {
namespace {

__extension__ using Wide = unsigned __int128;

// Balances change by what was minted and by nothing else: the pair of the check where it is minted.
bool balances_conserved(const StateDelta& delta) {
  Wide before = totals_of(delta.base()).minted;
  Wide after = totals_of(delta).minted;
  for (const auto& [key, value] : delta.changes()) {
    if (key.compare(0, 2, state_key::kAccountPrefix) != 0) continue;
    // minted_before + Σ balances_after must equal minted_after + Σ balances_before
    if (const auto old = get<AccountRecord>(delta.base(), key)) after += old->balance;
    if (const auto now = get<AccountRecord>(delta, key)) before += now->balance;
  }
  return before == after;
}

// Of encode_transactions.
std::size_t encoded_size(const std::vector<SignedTransaction>& transactions) {
  std::size_t size_bytes = 4;
  for (const SignedTransaction& tx : transactions) size_bytes += 4 + tx.bytes.size();
  return size_bytes;
}

Verdict check_links(const Header& header, const Header& tip, const Hash& tip_hash) {
  if (header.height != tip.height + 1) return Verdict::wrong_height;
  if (header.parent_hash != tip_hash) return Verdict::wrong_parent;
  if (header.epoch != tip.epoch) return Verdict::wrong_epoch;
  if (header.time_ms <= tip.time_ms) return Verdict::wrong_time;
  return Verdict::ok;
}

// Whom a statement is about beside its sender.
std::optional<AccountId> other_account(const Transaction& t) {
  const auto named = [&]<class Body>(AccountId Body::*account) -> std::optional<AccountId> {
    const auto body = decode_record<Body>(t.body);
    if (!body) return std::nullopt;
    return (*body).*account;
  };
  switch (t.type) {
    case TxType::transfer:
      return named(&Transfer::to);
    case TxType::suspend_member:
      return named(&SuspendMember::account);
    case TxType::readmit_member:
      return named(&ReadmitMember::account);
    case TxType::rotate_key:
      return named(&RotateKey::account);
    default:
      return std::nullopt;
  }
}

}  // namespace

StateChanges genesis_state(const GenesisRecord& genesis) {
  std::map<AccountId, AccountRecord> accounts;
  TotalsRecord totals;
  for (const Allocation& a : genesis.allocations) {
    accounts[a.account].balance += a.amount;
    totals.allocated += a.amount;
  }
  StateChanges changes;
  for (const Validator& v : genesis.validators) {
    const AccountId id = account_of(v.public_key);
    accounts[id].public_key = v.public_key;
    accounts[id].is_validator = true;
    accounts[id].name = "validator";
    changes[state_key::seed_head(id)] =
        Bytes(v.seed_chain_head.bytes.begin(), v.seed_chain_head.bytes.end());
  }
  for (const auto& [id, record] : accounts) {
    changes[state_key::account(id)] = encode_record(record);
  }
  changes[state_key::kTotals] = encode_record(totals);
  changes[state_key::kJob] = encode_record(JobRecord{0, genesis.task.model_root, Hash{}});
  return changes;
}

bool conservation_holds(const State& state, const GenesisRecord& genesis) {
  Wide sum = 0;
  state.scan(state_key::kAccountPrefix, [&](const std::string&, const Bytes& value) {
    const auto account = decode_record<AccountRecord>(value);
    GRADMINT_CHECK(account.has_value());
    sum += account->balance;
  });
  const TotalsRecord totals = totals_of(state);
  return sum == static_cast<Wide>(totals.allocated) + totals.minted &&
         totals.issued == totals.minted + totals.carry && totals.issued <= genesis.emission.cap;
}

std::vector<AccountId> touched_accounts(const Block& block,
                                        const std::vector<TransactionReceipt>& receipts) {
  std::vector<AccountId> accounts;
  for (const SignedTransaction& tx : block.transactions) {
    accounts.push_back(tx.transaction.sender);
    if (const auto other = other_account(tx.transaction)) accounts.push_back(*other);
  }
  for (const TransactionReceipt& receipt : receipts) {
    for (const contracts::Mint& mint : receipt.mints) accounts.push_back(AccountId{mint.account});
  }
  std::sort(accounts.begin(), accounts.end());
  accounts.erase(std::unique(accounts.begin(), accounts.end()), accounts.end());
  return accounts;
}

Chain::Chain(GenesisRecord genesis, contracts::CompiledRule rule)
    : genesis_(std::make_shared<const GenesisRecord>(std::move(genesis))),
      rule_(std::move(rule)),
      chain_id_(genesis_->chain_id()),
      params_hash_(genesis_->params_hash()),
      validators_hash_(genesis_->validators_hash()),
      summed_columns_(gradmint::summed_columns(genesis_->task)) {}

Result<Chain> Chain::start(GenesisRecord genesis) {
  if (std::string fault = genesis_fault(genesis); !fault.empty()) {
    return Error{ErrorCode::bad_input, std::move(fault)};
  }
  auto compiled = contracts::compile_rule(genesis.rule_source, genesis.rule_manifest);
  Chain chain(std::move(genesis), std::get<contracts::CompiledRule>(std::move(compiled)));
  const StateChanges changes = chain.genesis_changes();
  chain.state_.apply(changes, chain.state_.tree_after(changes));

  Header& tip = chain.tip_;
  tip.chain_id = chain.chain_id_;
  tip.time_ms = chain.genesis_->time_ms;
  tip.transactions_root = transactions_root({});
  tip.receipts_root = receipts_root({});
  tip.state_root = chain.state_.root();
  tip.history_root = chain.frontier_.root();
  tip.validators_hash = tip.next_validators_hash = chain.validators_hash_;
  tip.params_hash = chain.params_hash_;
  tip.proposer = account_of(chain.genesis_->validators.front().public_key);
  chain.history_.push_back(tip.hash());
  chain.frontier_.append(merkle_leaf_hash(chain.history_.back().view()));
  return chain;
}

Result<Chain> Chain::restore(GenesisRecord genesis, std::vector<Hash> history, Header tip,
                             State state) {
  const auto corrupt = [](const std::string& what) {
    return Error{ErrorCode::corrupt, what + "; restore the ledger from a copy"};
  };
  if (history.size() != tip.height + 1 || history.back() != tip.hash()) {
    return corrupt("the stored headers do not end with the newest block");
  }
  if (state.root() != tip.state_root) {
    return corrupt("the stored state is not the one block " + std::to_string(tip.height) +
                   " names");
  }
  auto started = Chain::start(std::move(genesis));
  if (!started) return started.error();
  Chain chain = *std::move(started);
  if (history.front() != chain.tip_hash() || tip.chain_id != chain.chain_id_) {
    return corrupt("the stored blocks are not of the stored genesis");
  }
  chain.frontier_ = MerkleFrontier{};
  for (const Hash& hash : history) {
    if (&hash == &history.back() && chain.frontier_.root() != tip.history_root) {
      return corrupt("the stored headers are not those that block " + std::to_string(tip.height) +
                     " follows");
    }
    chain.frontier_.append(merkle_leaf_hash(hash.view()));
  }
  chain.history_ = std::move(history);
  chain.state_ = std::move(state);
  chain.tip_ = tip;
  return chain;
}

StateChanges Chain::genesis_changes() const { return genesis_state(*genesis_); }

ApplyContext Chain::context(bool verify_signatures) const {
  return {*genesis_,       chain_id_,         rule_,          history_,
          tip_.height + 1, verify_signatures, summed_columns_};
}

Verdict Chain::finish(const StateDelta& delta, BlockDraft& draft) const {
  if (!balances_conserved(delta)) return Verdict::conservation_broken;
  draft.changes = delta.changes();
  draft.tree = state_.tree_after(draft.changes);
  return Verdict::ok;
}

BlockDraft Chain::prepare(const std::vector<SignedTransaction>& candidates, std::uint64_t time_ms,
                          const AccountId& proposer) const {
  BlockDraft draft;
  StateDelta delta(state_);
  const ApplyContext rules = context(true);
  std::size_t size_bytes = 0;
  for (const SignedTransaction& tx : candidates) {
    TransactionReceipt receipt;
    Verdict verdict = Verdict::too_many_transactions;
    if (draft.block.transactions.size() < kMaxBlockTransactions &&
        size_bytes + tx.bytes.size() + 64 <= kMaxBlockBytes) {
      verdict = apply_transaction(tx, rules, delta, receipt);
    }
    draft.verdicts.push_back(verdict);
    if (verdict != Verdict::ok) continue;
    size_bytes += tx.bytes.size() + 4;
    draft.block.transactions.push_back(tx);
    draft.receipts.push_back(std::move(receipt));
  }
  GRADMINT_CHECK(finish(delta, draft) == Verdict::ok);

  Header& header = draft.block.header;
  header.chain_id = chain_id_;
  header.epoch = tip_.epoch;
  header.height = tip_.height + 1;
  header.time_ms = std::max(time_ms, tip_.time_ms + 1);
  header.parent_hash = tip_hash();
  header.transactions_root = transactions_root(draft.block.transactions);
  header.receipts_root = receipts_root(draft.receipts);
  header.state_root = draft.tree.root();
  header.history_root = frontier_.root();
  header.validators_hash = header.next_validators_hash = validators_hash_;
  header.params_hash = params_hash_;
  header.proposer = proposer;
  draft.block_hash = header.hash();
  return draft;
}

Verdict Chain::process(const Block& block, const ProcessOptions& options, BlockDraft& out) const {
  const Header& header = block.header;
  if (header.chain_id != chain_id_) return Verdict::wrong_chain;
  if (const Verdict v = check_links(header, tip_, tip_hash()); v != Verdict::ok) return v;
  if (header.history_root != frontier_.root()) return Verdict::wrong_history_root;
  if (header.validators_hash != validators_hash_ ||
      header.next_validators_hash != validators_hash_) {
    return Verdict::wrong_validators;
  }
  if (header.params_hash != params_hash_) return Verdict::wrong_params;
  const auto proposer = get<AccountRecord>(state_, state_key::account(header.proposer));
  if (!proposer || !proposer->is_validator) return Verdict::wrong_proposer;
  if (block.transactions.size() > kMaxBlockTransactions) return Verdict::too_many_transactions;
  if (encoded_size(block.transactions) > kMaxBlockBytes) return Verdict::oversized;
  if (header.transactions_root != transactions_root(block.transactions)) {
    return Verdict::wrong_transactions_root;
  }
  out = BlockDraft{};
  StateDelta delta(state_);
  const ApplyContext rules = context(options.verify_signatures);
  for (const SignedTransaction& tx : block.transactions) {
    TransactionReceipt receipt;
    const Verdict v = apply_transaction(tx, rules, delta, receipt);
    out.verdicts.push_back(v);
    if (v != Verdict::ok) return v;
    out.receipts.push_back(std::move(receipt));
  }
  if (const Verdict v = finish(delta, out); v != Verdict::ok) return v;
  if (header.receipts_root != receipts_root(out.receipts)) return Verdict::wrong_receipts_root;
  if (header.state_root != out.tree.root()) return Verdict::wrong_state_root;
  out.block = block;
  out.block_hash = header.hash();
  return Verdict::ok;
}

void Chain::commit(BlockDraft draft) {
  GRADMINT_CHECK(draft.block.header.parent_hash == tip_hash());
  state_.apply(draft.changes, std::move(draft.tree));
  tip_ = draft.block.header;
  history_.push_back(draft.block_hash);
  frontier_.append(merkle_leaf_hash(draft.block_hash.view()));
}

Verdict Chain::check(const SignedTransaction& transaction) const {
  StateDelta delta(state_);
  TransactionReceipt receipt;
  return apply_transaction(transaction, context(true), delta, receipt);
}

}  // namespace gradmint
