// A recomputed round against what its coordinator stated. Pure.
#pragma once

#include "ledger/audit/fault.h"
#include "ledger/records.h"

namespace gradmint {

// The first difference, or nothing: wrong_rejection, wrong_clip_factors, wrong_selection,
// wrong_coefficients, wrong_selection_scores, wrong_outside_counts, wrong_scores, wrong_model_root,
// wrong_optimizer_root. Both have the same workers in the same order.
Finding compare_results(const RoundResult& recomputed, const RoundResult& stated,
                        std::uint64_t height);

}  // namespace gradmint
