// Whether a reveal is admitted: checks in a fixed order, each with its own verdict. Pure.
#pragma once

#include "coordinator/round/round_events.h"

namespace gradmint {

struct Reveal {
  AccountId worker;
  std::uint64_t round = 0;
  std::uint32_t attempt = 0;
  std::uint8_t encoding = 0;  // as received
  Opening opening;            // with the same encoding
};

// In this order: wrong_round, wrong_attempt, wrong_phase (commitments still open), late,
// unknown_worker (made no commitment), out_of_range (excluded at the close), unsupported_encoding
// (no encoding at all), commitment_mismatch, and what is due to what was committed
// (ledger/entry_verdict.h).
// `open_block` is the hash of the block that opened the round; `others` the openings already known.
Verdict check_reveal(const RoundView& view, const StateReader& state, const Hash& open_block,
                     const ModelSize& size, const std::map<AccountId, Opening>& others,
                     const Reveal& reveal);

// Facts about what was committed (is_opening_refusal): the opening goes on the ledger with the
// refusal, and no payload is taken. The other verdicts leave no trace.
bool is_final_refusal(Verdict verdict);

// unsupported_encoding and commitment_mismatch: what was sent opens nothing, and the same worker
// will not send better.
bool opens_nothing(Verdict verdict);

}  // namespace gradmint
