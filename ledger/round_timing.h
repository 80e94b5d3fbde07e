// When a round may take its next step: one function for each step, by which the coordinator
// proposes it and every validator and auditor judges it. Blocks are the only clock here; the
// deadlines in milliseconds are the coordinator's own (coordinator/round). Pure.
#pragma once

#include "ledger/state.h"

namespace gradmint {

// What may be said of a round under evaluation.
struct EvaluationTiming {
  bool commits_open = false;  // a commitment to figures
  bool reveals_open = false;  // figures: nobody reads another's before it has committed its own
  bool may_settle = false;    // nobody is waited for any more
};
// `height` is that of the block in which it would stand; `committed` and `revealed` count the
// attestations that stand before. Commitments have evaluation_blocks blocks to come, reveals as
// many again; each ends sooner when all are there. Precondition: the round is evaluating.
EvaluationTiming evaluation_timing(const RoundRecord& round, std::size_t committed,
                                   std::size_t revealed, std::uint64_t height);

// Whether an attempt in this phase may be given up for this reason: ok; wrong_phase, when it has a
// result or ended, when payloads were revealed before the close, or when updates are said to have
// no aggregate before there are any; wrong_rejection without a reason.
Verdict abandonment_verdict(RoundPhase phase, Verdict reason, bool payloads_revealed);

// Whether an attempt can go on with so many: commitments at its close, accepted updates in its
// result.
bool enough_updates(const OpenRound& open, std::size_t count);

}  // namespace gradmint
