// rounds.stop_when: the metric at which a job is done before its last round. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/base/result.h"
#include "ledger/state.h"

namespace gradmint {

struct Goal {
  std::string metric = "accuracy";
  bool at_least = true;    // else at most
  std::int64_t micro = 0;  // in millionths
  bool operator==(const Goal&) const = default;
};

// "accuracy >= 0.95", "loss <= 0.1", "dice >= 0.8"; bad_input says what would do.
Result<Goal> parse_goal(const std::string& text);
std::string goal_text(const Goal& goal);

// Whether the median of a settled round's attestations is there. One that nobody measured, or that
// is but a bound, is not.
bool reached(const Goal& goal, const RoundRecord& settled);

}  // namespace gradmint
