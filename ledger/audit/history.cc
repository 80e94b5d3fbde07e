#include "ledger/audit/history.h"

#include <algorithm>

namespace gradmint {
namespace {

template <class Body>
Seen<Body> seen(const SignedTransaction& tx, std::uint64_t height) {
  auto body = decode_record<Body>(tx.transaction.body);
  GRADMINT_CHECK(body.has_value());  // the block stands
  return {height, tx.id, tx.transaction.sender, *std::move(body)};
}

}  // namespace

std::uint64_t RoundPayment::to(const AccountId& account) const {
  const auto mint = std::find_if(mints.begin(), mints.end(),
                                 [&](const auto& m) { return m.account == account.bytes; });
  return mint == mints.end() ? 0 : mint->amount;
}

std::string_view Attempt::standing() const {
  if (settled) return round_phase_name(RoundPhase::settled);
  if (abandoned) return round_phase_name(RoundPhase::abandoned);
  if (result) return round_phase_name(RoundPhase::evaluating);
  return round_phase_name(close ? RoundPhase::revealing : RoundPhase::training);
}

const Attempt* LedgerHistory::find_round(std::uint64_t round) const {
  const Attempt* found = nullptr;
  for (const Attempt& attempt : attempts) {
    if (attempt.round() == round) found = &attempt;
  }
  return found;
}

const Attempt* LedgerHistory::find_attempt(std::uint64_t round, std::uint64_t number) const {
  const auto found = std::find_if(attempts.begin(), attempts.end(), [&](const Attempt& attempt) {
    return attempt.round() == round && attempt.open.body.attempt == number;
  });
  return found == attempts.end() ? nullptr : &*found;
}

std::string LedgerHistory::name_of(const AccountId& account) const {
  if (const auto worker = workers.find(account); worker != workers.end()) {
    return worker->second.body.name;
  }
  for (const Validator& v : genesis.validators) {
    if (account_of(v.public_key) == account) return "validator";
  }
  return {};
}

void HistoryBuilder::add(const ReplayedBlock& block) {
  const std::uint64_t height = block.block.header.height;
  for (std::size_t i = 0; i < block.block.transactions.size(); ++i) {
    add(block.block.transactions[i], block.receipts[i], height);
  }
  for (const AccountId& account : touched_accounts(block.block, block.receipts)) {
    history_.heights[account].push_back(height);
  }
}

void HistoryBuilder::add(const SignedTransaction& tx, const TransactionReceipt& receipt,
                         std::uint64_t height) {
  LedgerHistory& h = history_;
  const AccountId& sender = tx.transaction.sender;
  switch (tx.transaction.type) {
    case TxType::register_worker:
      h.workers[sender] = seen<RegisterWorker>(tx, height);
      return;
    case TxType::register_dataset: {
      auto dataset = seen<RegisterDataset>(tx, height);
      const Hash id = dataset_id(sender, dataset.body);
      h.datasets[id] = std::move(dataset);
      return;
    }
    case TxType::transfer:
      h.transfers.push_back(seen<Transfer>(tx, height));
      return;
    case TxType::open_round:
      h.attempts.emplace_back();
      h.attempts.back().open = seen<OpenRound>(tx, height);
      return;
    case TxType::commit_evaluation:  // the reveal repeats what it binds
    case TxType::suspend_member:
    case TxType::readmit_member:
    case TxType::rotate_key:
      return;
    case TxType::state_sums:
      h.sums[sender] = seen<StateSums>(tx, height);
      return;
    case TxType::fix_scaler:
      h.scaler = seen<FixScaler>(tx, height);
      return;
    default:
      break;
  }
  Attempt& attempt = h.attempts.back();
  switch (tx.transaction.type) {
    case TxType::commit_update:
      attempt.commits[sender] = seen<CommitUpdate>(tx, height);
      break;
    case TxType::close_commits:
      attempt.close = seen<CloseCommits>(tx, height);
      break;
    case TxType::round_result:
      attempt.result = seen<RoundResult>(tx, height);
      break;
    case TxType::abandon_round:
      attempt.abandoned = seen<AbandonRound>(tx, height);
      break;
    case TxType::reveal_evaluation:
      attempt.evaluations[sender] = seen<RevealEvaluation>(tx, height);
      break;
    case TxType::settle_round:
      attempt.settled = seen<SettleRound>(tx, height);
      settle(receipt);
      break;
    default:
      GRADMINT_CHECK(false);
  }
}

void HistoryBuilder::settle(const TransactionReceipt& receipt) {
  Attempt& attempt = history_.attempts.back();
  const std::uint64_t emission =
      contracts::emission_at(history_.genesis.emission, attempt.round(), issued_);
  RoundPayment& payment = attempt.payment;
  payment.pool = carry_ + emission;
  payment.rule_code = receipt.rule_code;
  payment.gas_used = receipt.gas_used;
  payment.mints = receipt.mints;
  for (const contracts::Mint& mint : receipt.mints) payment.paid += mint.amount;
  issued_ += emission;
  carry_ = payment.pool - payment.paid;
}

}  // namespace gradmint
