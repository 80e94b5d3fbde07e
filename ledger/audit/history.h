// Who did what and when, gathered from replayed blocks: the ground of contributions, explanations,
// what `audit show` prints and of recomputation. Pure.
#pragma once

#include "ledger/audit/replay.h"
#include "ledger/scaler_records.h"

namespace gradmint {

// A statement and where it stands.
template <class Body>
struct Seen {
  std::uint64_t height = 0;
  Hash transaction;
  AccountId sender;
  Body body;
};

struct RoundPayment {
  std::uint64_t pool = 0;  // this round's emission and what earlier rounds left
  std::uint64_t paid = 0;
  std::uint16_t rule_code = 0;  // contracts::RuleCode
  std::uint64_t gas_used = 0;
  std::vector<contracts::Mint> mints;
  std::uint64_t to(const AccountId& account) const;
};

// One attempt at a round, as far as it came.
struct Attempt {
  Seen<OpenRound> open;
  std::map<AccountId, Seen<CommitUpdate>> commits;
  std::optional<Seen<CloseCommits>> close;
  std::optional<Seen<RoundResult>> result;
  std::optional<Seen<AbandonRound>> abandoned;
  std::map<AccountId, Seen<RevealEvaluation>> evaluations;
  std::optional<Seen<SettleRound>> settled;
  RoundPayment payment;  // once settled

  std::uint64_t round() const { return open.body.round; }
  std::string_view standing() const;  // round_phase_name
};

struct LedgerHistory {
  GenesisRecord genesis;
  std::vector<Attempt> attempts;  // in order
  std::map<AccountId, Seen<RegisterWorker>> workers;
  std::map<Hash, Seen<RegisterDataset>> datasets;  // by dataset id
  std::vector<Seen<Transfer>> transfers;
  std::map<AccountId, Seen<StateSums>> sums;  // for the scaler, where the sites give it
  std::optional<Seen<FixScaler>> scaler;
  std::map<AccountId, std::vector<std::uint64_t>> heights;  // of the blocks that touch an account

  // The newest attempt at a round, which is the one with a result where there is one; null when
  // there was none.
  const Attempt* find_round(std::uint64_t round) const;
  const Attempt* find_attempt(std::uint64_t round, std::uint64_t attempt) const;
  std::string name_of(const AccountId& account) const;  // as registered; "validator"; or ""
};

class HistoryBuilder {
 public:
  explicit HistoryBuilder(const GenesisRecord& genesis) { history_.genesis = genesis; }
  // Of a block that stands.
  void add(const ReplayedBlock& block);
  const LedgerHistory& history() const { return history_; }
  LedgerHistory take() { return std::move(history_); }

 private:
  void add(const SignedTransaction& tx, const TransactionReceipt& receipt, std::uint64_t height);
  void settle(const TransactionReceipt& receipt);

  LedgerHistory history_;
  std::uint64_t issued_ = 0, carry_ = 0;
};

}  // namespace gradmint
