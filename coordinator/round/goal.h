// rounds.stop_when: the figure at which a job is done before its last round. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/base/result.h"
#include "ledger/state.h"

namespace gradmint {

enum class GoalFigure : std::uint8_t { accuracy, loss };  // accuracy: of a regression R2

struct Goal {
  GoalFigure figure = GoalFigure::accuracy;
  bool at_least = true;    // else at most
  std::int64_t micro = 0;  // the figure in millionths
  bool operator==(const Goal&) const = default;
};

// "accuracy >= 0.95", "loss <= 0.1", "r2 >= 0.8"; bad_input says what would do.
Result<Goal> parse_goal(const std::string& text);

// Whether a settled round's attested figure is there. Without an attestation none is.
bool reached(const Goal& goal, const RoundRecord& settled);

}  // namespace gradmint
