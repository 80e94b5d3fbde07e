// Which of a job's models is the best, by one of the metrics that its evaluators attested. Pure.
#pragma once

#include <optional>
#include <string>

#include "kernels/base/result.h"
#include "ledger/state.h"

namespace gradmint {

struct Ranking {
  std::string metric;
  bool lowest = false;  // the best is the least
  bool operator==(const Ranking&) const = default;
};

// "accuracy", "highest dice", "lowest mae"; without a word the loss is best at its lowest, any
// other metric at its highest. bad_input says what would do.
Result<Ranking> parse_ranking(const std::string& text);

// The median that a settled round is ranked by; nothing where nobody measured it, or where it is
// but a bound.
std::optional<std::int64_t> rank_of(const Ranking& ranking, const RoundRecord& settled);
bool is_better(const Ranking& ranking, std::int64_t micro, std::int64_t than);

// The settled round with the best model, the first of equals; nothing where none has a rank.
std::optional<RoundRecord> best_round(const StateReader& state, const Ranking& ranking);

}  // namespace gradmint
