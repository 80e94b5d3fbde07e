// What a SettleRound must say, from the attestations of the new model and the commitments of the
// updates that it came from. The coordinator proposes it and every validator and auditor recomputes
// it with this function. Pure.
#pragma once

#include "ledger/state.h"

namespace gradmint {

// Metrics: of the evaluations that were revealed, weighted by their examples. Training: of the
// updates that were accepted, weighted as in the aggregate. `round` has its close and its result,
// `commits` are of its attempt.
SettleRound plan_settlement(const RoundRecord& round,
                            const std::vector<std::pair<AccountId, CommitRecord>>& commits,
                            const std::vector<EvaluationRecord>& evaluations);

}  // namespace gradmint
