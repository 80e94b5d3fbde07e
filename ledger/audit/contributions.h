// What each worker contributed and was paid, and how an account came by its balance. Pure.
#pragma once

#include "ledger/audit/history.h"

namespace gradmint {

// One worker in one round that has a result.
struct Contribution {
  const Attempt* attempt = nullptr;  // of the history it was made from
  AccountId worker;
  Seen<CommitUpdate> commit;
  std::uint32_t weight = 0;
  ResultEntry entry;
  bool settled = false;
  std::uint64_t share = 0;   // weight * score when accepted, else 0
  std::uint64_t shares = 0;  // of all workers in the round
  std::uint64_t minted = 0;
};

struct ContributionFilter {
  std::optional<AccountId> worker;
  std::optional<std::uint64_t> round;
};
// By round, then by worker.
std::vector<Contribution> contributions_of(const LedgerHistory& history,
                                           const ContributionFilter& filter);

struct WorkerTotal {
  AccountId worker;
  std::uint64_t rounds_committed = 0, rounds_accepted = 0, score_sum_ppm = 0, minted = 0;
};
// Of these contributions; ascending by worker. Accepted rounds and scores count once settled.
std::vector<WorkerTotal> totals_of(const std::vector<Contribution>& contributions);

// allocated + minted + received - sent = balance.
struct BalanceStatement {
  std::uint64_t allocated = 0, minted = 0, received = 0, sent = 0;
  std::vector<Seen<Transfer>> transfers;  // to or from the account
  std::uint64_t balance() const { return allocated + minted + received - sent; }
};
BalanceStatement balance_of(const LedgerHistory& history, const AccountId& account);

}  // namespace gradmint
