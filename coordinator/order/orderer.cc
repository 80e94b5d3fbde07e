#include "coordinator/order/orderer.h"

#include <algorithm>
#include <set>
#include <utility>

#include "coordinator/order/restore_chain.h"
#include "kernels/base/check.h"

namespace gradmint {

Orderer::Orderer(Parts parts)
    : chain_(std::move(parts.chain)),
      store_(std::move(parts.store)),
      signer_(std::move(parts.signer)),
      ordering_(std::move(parts.ordering)) {}

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

Status Orderer::acknowledge(const Acknowledgement& acknowledgement) {
  const std::string key = pending_key(acknowledgement.attempt, acknowledgement.worker);
  if (Status s = store_->put_pending(key, encode_record(acknowledgement)); !s) return s;
  return ordering_->acknowledge(acknowledgement);
}

SignedTransaction Orderer::sign_own(const Proposal& proposal, std::uint64_t nonce) const {
  Transaction t;
  t.type = proposal.type;
  t.chain_id = chain_.chain_id();
  t.sender = account();
  t.nonce = nonce;
  t.seen_height = chain_.height();
  t.seen_hash = chain_.tip_hash();
  t.body = proposal.body;
  return signer_->sign(t);
}

Orderer::Proposed Orderer::prepare(std::uint64_t time_ms) {
  Proposed proposed;
  const auto own = get<AccountRecord>(chain_.state(), state_key::account(account()));
  GRADMINT_CHECK(own.has_value());
  std::uint64_t nonce = own->nonce;
  proposed.own_count = order_proposals();
  proposed.queue_count = queue_.entries().size();
  for (std::size_t i = 0; i < proposed.own_count; ++i) {
    proposed.candidates.push_back(sign_own(proposals_[i], nonce++));
    proposed.tickets.push_back(proposals_[i].ticket);
  }
  for (const TransactionQueue::Entry& entry : queue_.entries()) {
    proposed.candidates.push_back(entry.transaction);
    proposed.tickets.push_back(entry.ticket);
  }
  proposed.draft = chain_.prepare(proposed.candidates, time_ms, account());
  return proposed;
}

Result<std::optional<OrderedBlock>> Orderer::advance(std::uint64_t time_ms) {
  auto block = look_at_order();
  if (!block || *block) return block;
  if (!has_work() || !ordering_->standing().takes_proposals) return std::optional<OrderedBlock>();
  Proposed proposed = prepare(time_ms);
  if (proposed.draft.block.transactions.empty() && !wants_block_) {
    proposed_.reset();  // one that still comes is executed like another's: the queues have moved
    return std::optional(outcome_of(proposed));
  }
  proposed_ = std::move(proposed);
  if (Status s = ordering_->propose(proposed_->draft.block); !s) return s.error();
  return look_at_order();
}

Status Orderer::catch_up() {
  for (;;) {
    const auto block = look_at_order();
    if (!block) return block.error();
    if (!*block) return {};
  }
}

Result<std::optional<OrderedBlock>> Orderer::look_at_order() {
  auto certified = ordering_->next(chain_.height());
  if (!certified) return certified.error();
  if (!*certified) return std::optional<OrderedBlock>();
  const Header& header = (*certified)->block.header;
  if (header.height <= chain_.height()) {
    if (chain_.history()[header.height] == header.hash()) return std::optional<OrderedBlock>();
    return Error{ErrorCode::corrupt, "the order has another block " +
                                         std::to_string(header.height) +
                                         " than this ledger: nothing more is signed here"};
  }
  auto block = follow(**std::move(certified));
  if (!block) return block.error();
  return std::optional(*std::move(block));
}

// Its own is not executed again.
Result<OrderedBlock> Orderer::follow(CertifiedBlock certified) {
  const Header& header = certified.block.header;
  const bool is_own = proposed_ && proposed_->draft.block_hash == header.hash();
  Verdict verdict = verify_certificate(certified.certificate, header, chain_.genesis().validators);
  BlockDraft others;
  if (verdict == Verdict::ok && !is_own) verdict = chain_.process(certified.block, {}, others);
  if (verdict != Verdict::ok) {
    return Error{ErrorCode::corrupt, "the order's block " + std::to_string(header.height) +
                                         " does not hold here (" +
                                         std::string(verdict_name(verdict)) +
                                         "): nothing more is signed here; please report it"};
  }
  BlockBatch batch = batch_of(is_own ? proposed_->draft : others, certified.certificate);
  batch.pending_removed = needless_;
  if (Status stored = store_->commit(batch); !stored) return stored.error();
  needless_.clear();
  wants_block_ = false;
  OrderedBlock block = is_own ? outcome_of(*proposed_) : outcome_of(others);
  block.committed = true;
  chain_.commit(std::move(is_own ? proposed_->draft : others));
  proposed_.reset();
  const auto follows = [](const Proposal& p) { return !may_be_refused(p.type); };
  proposals_.erase(std::remove_if(proposals_.begin(), proposals_.end(), follows), proposals_.end());
  return block;
}

// All that it was made of is decided.
OrderedBlock Orderer::outcome_of(Proposed& proposed) {
  OrderedBlock block;
  block.receipts = proposed.draft.receipts;
  for (std::size_t i = 0; i < proposed.candidates.size(); ++i) {
    block.outcomes.push_back(
        {proposed.tickets[i], std::move(proposed.candidates[i]), proposed.draft.verdicts[i]});
  }
  proposals_.erase(proposals_.begin(),
                   proposals_.begin() + static_cast<std::ptrdiff_t>(proposed.own_count));
  queue_.remove_first(proposed.queue_count);
  return block;
}

// What stands in another's block is decided; the rest waits for the next.
OrderedBlock Orderer::outcome_of(const BlockDraft& others) {
  OrderedBlock block;
  block.receipts = others.receipts;
  std::set<Hash> ids;
  for (const SignedTransaction& transaction : others.block.transactions) ids.insert(transaction.id);
  std::map<Hash, std::uint64_t> tickets;
  for (const TransactionQueue::Entry& entry : queue_.take(ids))
    tickets[entry.transaction.id] = entry.ticket;
  for (const SignedTransaction& transaction : others.block.transactions) {
    std::uint64_t ticket = tickets.contains(transaction.id) ? tickets[transaction.id] : 0;
    const Transaction& t = transaction.transaction;
    const auto own = std::find_if(proposals_.begin(), proposals_.end(), [&](const Proposal& p) {
      return t.sender == account() && p.type == t.type && p.body == t.body;
    });
    if (own != proposals_.end()) {
      ticket = own->ticket;
      proposals_.erase(own);
    }
    block.outcomes.push_back({ticket, transaction, Verdict::ok});
  }
  return block;
}

Result<std::unique_ptr<Orderer>> open_orderer(const std::filesystem::path& directory,
                                              const SignerFiles& files, const SecretKey& validator,
                                              const OpenOrdering& ordering, Disk& disk) {
  auto store = open_ledger(directory, disk);
  if (!store) return store.error();
  auto chain = restore_chain(**store);
  if (!chain) return chain.error();
  auto signer = Signer::open(validator, files, *chain, directory, disk);
  if (!signer) return signer.error();
  auto order = ordering(**signer, chain->genesis());
  if (!order) return order.error();
  auto orderer = std::make_unique<Orderer>(
      Orderer::Parts{*std::move(chain), *std::move(store), *std::move(signer), *std::move(order)});
  if (Status s = orderer->catch_up(); !s) return s.error();
  return orderer;
}

}  // namespace gradmint
