// What a CloseCommits must say, from the commitments alone: the order, weights, exclusions, E and
// s. The coordinator proposes it and every validator and auditor recomputes it with this function.
#pragma once

#include "ledger/state.h"

namespace gradmint {

// tag::kSeed over preimage and commitments: biasable
// only by withholding a commitment or the close itself.
Hash round_seed(std::uint64_t round, std::uint32_t attempt, const Hash& preimage,
                const std::vector<std::pair<AccountId, CommitRecord>>& commits);

// Order: ascending tag::kOrder. Weight: the committed
// examples. E: kernels::choose_round_exponent of the declared exponents, one voice a worker
// whatever its weight; updates with e > E are out_of_range. s: the largest shift with 2^E * w_max *
// 2^s <= 2^51 over the others. Precondition: at least one commitment.
CloseCommits plan_close(std::uint64_t round, std::uint32_t attempt, const Hash& preimage,
                        const std::vector<std::pair<AccountId, CommitRecord>>& commits);

}  // namespace gradmint
