#include "ledger/round_timing.h"

namespace gradmint {
namespace {

bool spans_are_over(const RoundRecord& round, std::uint64_t height, std::uint64_t spans) {
  return height > round.result_height + spans * round.open.limits.evaluation_blocks;
}

}  // namespace

EvaluationTiming evaluation_timing(const RoundRecord& round, std::size_t committed,
                                   std::size_t revealed, std::uint64_t height) {
  const bool time_to_commit_is_over = spans_are_over(round, height, 1);
  const bool all_committed = committed == round.open.evaluators.size();
  const bool all_revealed = revealed == committed;
  EvaluationTiming timing;
  timing.commits_open = !time_to_commit_is_over && revealed == 0;
  timing.reveals_open = all_committed || time_to_commit_is_over;
  timing.may_settle = timing.reveals_open && (all_revealed || spans_are_over(round, height, 2));
  return timing;
}

Verdict abandonment_verdict(RoundPhase phase, Verdict reason, bool payloads_revealed) {
  if (phase != RoundPhase::training && phase != RoundPhase::revealing) return Verdict::wrong_phase;
  if (phase == RoundPhase::training && payloads_revealed) return Verdict::wrong_phase;
  if (reason == Verdict::ok) return Verdict::wrong_rejection;
  if (is_aggregation_failure(reason) && phase != RoundPhase::revealing) return Verdict::wrong_phase;
  return Verdict::ok;
}

bool enough_updates(const OpenRound& open, std::size_t count) {
  return count >= open.limits.min_updates;
}

}  // namespace gradmint
