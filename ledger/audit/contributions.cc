#include "ledger/audit/contributions.h"

#include <algorithm>

namespace gradmint {
namespace {

std::vector<Contribution> contributions_in(const Attempt& attempt) {
  std::vector<Contribution> rows;
  std::uint64_t shares = 0;
  const auto& entries = attempt.result->body.entries;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    Contribution row;
    row.attempt = &attempt;
    row.worker = entries[i].worker;
    row.commit = attempt.commits.at(row.worker);
    row.weight = attempt.close->body.entries[i].weight;
    row.entry = entries[i];
    row.settled = attempt.settled.has_value();
    if (row.entry.verdict == Verdict::ok) {
      row.share = std::uint64_t{row.weight} * row.entry.score_ppm;
    }
    row.minted = attempt.payment.to(row.worker);
    shares += row.share;  // at most 4095 * 2^24 * 10^6 < 2^56
    rows.push_back(std::move(row));
  }
  for (Contribution& row : rows) row.shares = shares;
  std::sort(rows.begin(), rows.end(),
            [](const auto& a, const auto& b) { return a.worker < b.worker; });
  return rows;
}

}  // namespace

std::vector<Contribution> contributions_of(const LedgerHistory& history,
                                           const ContributionFilter& filter) {
  std::vector<Contribution> all;
  for (const Attempt& attempt : history.attempts) {
    if (!attempt.result || (filter.round && attempt.round() != *filter.round)) continue;
    for (Contribution& row : contributions_in(attempt)) {
      if (!filter.worker || row.worker == *filter.worker) all.push_back(std::move(row));
    }
  }
  return all;
}

std::vector<WorkerTotal> totals_of(const std::vector<Contribution>& contributions) {
  std::map<AccountId, WorkerTotal> totals;
  for (const Contribution& row : contributions) {
    WorkerTotal& total = totals[row.worker];
    total.worker = row.worker;
    total.rounds_committed += 1;
    total.minted += row.minted;
    if (!row.settled || row.entry.verdict != Verdict::ok) continue;
    total.rounds_accepted += 1;
    total.score_sum_ppm += row.entry.score_ppm;
  }
  std::vector<WorkerTotal> out;
  for (const auto& [worker, total] : totals) out.push_back(total);
  return out;
}

BalanceStatement balance_of(const LedgerHistory& history, const AccountId& account) {
  BalanceStatement statement;
  for (const Allocation& a : history.genesis.allocations) {
    if (a.account == account) statement.allocated += a.amount;
  }
  for (const Attempt& attempt : history.attempts) statement.minted += attempt.payment.to(account);
  for (const Seen<Transfer>& transfer : history.transfers) {
    const bool out = transfer.sender == account, in = transfer.body.to == account;
    if (out) statement.sent += transfer.body.amount;
    if (in) statement.received += transfer.body.amount;
    if (out || in) statement.transfers.push_back(transfer);
  }
  return statement;
}

}  // namespace gradmint
