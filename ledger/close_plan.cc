#include "ledger/close_plan.h"

#include <algorithm>

#include "kernels/fixed_point.h"
#include "ledger/hash.h"
#include "ledger/tags.h"

namespace gradmint {

Hash round_seed(std::uint64_t round, std::uint32_t attempt, const Hash& preimage,
                const std::vector<std::pair<AccountId, CommitRecord>>& commits) {
  std::vector<Hash> commitments;
  for (const auto& [worker, commit] : commits) commitments.push_back(commit.body.commitment);
  std::sort(commitments.begin(), commitments.end());
  Writer w;
  w.u64(round);
  w.u32(attempt);
  w.hash(preimage);
  write_accounts(w, commitments);
  return tagged_hash(tag::kSeed, w.view());
}

CloseCommits plan_close(std::uint64_t round, std::uint32_t attempt, const Hash& preimage,
                        const std::vector<std::pair<AccountId, CommitRecord>>& commits) {
  GRADMINT_CHECK(!commits.empty());
  std::vector<int> exponents;
  for (const auto& [worker, commit] : commits) exponents.push_back(commit.body.exponent);
  const int round_exponent = kernels::choose_round_exponent(exponents);

  const Hash seed = round_seed(round, attempt, preimage, commits);
  std::vector<std::pair<Hash, CloseEntry>> ordered;
  std::uint32_t largest_weight = 1;
  for (const auto& [worker, commit] : commits) {
    CloseEntry entry;
    entry.worker = worker;
    entry.weight = static_cast<std::uint32_t>(commit.body.examples);
    if (commit.body.exponent > round_exponent) {
      entry.verdict = Verdict::out_of_range;
    } else {
      largest_weight = std::max(largest_weight, entry.weight);
    }
    Writer w;
    w.hash(seed);
    w.hash(worker);
    ordered.emplace_back(tagged_hash(tag::kOrder, w.view()), entry);
  }
  std::sort(ordered.begin(), ordered.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });

  CloseCommits close;
  close.round = round;
  close.attempt = attempt;
  close.seed_preimage = preimage;
  close.exponent = static_cast<std::int16_t>(round_exponent);
  close.shift = static_cast<std::int16_t>(kernels::choose_shift(round_exponent, largest_weight));
  for (const auto& [rank, entry] : ordered) close.entries.push_back(entry);
  return close;
}

}  // namespace gradmint
