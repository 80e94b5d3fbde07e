// Before the first round, where the scaler comes from the sites: their sums.
#include "coordinator/round/round.h"

namespace gradmint {

Verdict RoundMachine::on(const SumsGivenUp& event, std::uint64_t now_ms, RoundEffects& effects) {
  if (!view_.stated) return Verdict::wrong_phase;
  if (!sums_given_up_.insert(event.worker).second) return Verdict::duplicate;
  advance(now_ms, effects);
  return Verdict::ok;
}

// Waits for statements as a round waits for commitments. When the time is over it goes on as soon
// as enough are there.
void RoundMachine::try_fix(std::uint64_t now_ms, RoundEffects& effects) {
  if (paused_) return;
  const std::set<AccountId> stated(view_.stated->begin(), view_.stated->end());
  std::vector<AccountId> expected;
  for (const AccountId& member : view_.members) {
    if (sums_given_up_.count(member) == 0 || stated.count(member) != 0) expected.push_back(member);
  }
  if (!gathered(expected, stated, now_ms)) return;
  if (stated.size() < policy_.limits.min_updates) return;
  effects.push_back(ProposeScaler{policy_.limits.min_updates});
  proposed_ = true;
}

}  // namespace gradmint
