// From what a trainer gives back to what is committed to: the update, what an adversary makes of
// it, its bytes, root and exponent. Pure.
#pragma once

#include <span>
#include <vector>

#include "ledger/bytes.h"
#include "worker/adversary.h"

namespace gradmint::session {

struct Submission {
  Bytes payload;
  Hash root;
  std::int16_t exponent = 0;  // of the largest finite |x|: a NaN is for intake to find
};

// `global` is what `local` was trained from. Refuses what make_update refuses.
Result<Submission> make_submission(std::span<const float> global, std::span<const float> local,
                                   const AdversarySpec& adversary, const AdversaryView& view);

}  // namespace gradmint::session
