// From what a trainer gives back to what is committed to: the update, what an adversary makes of
// it, its bytes, root and exponent. Pure.
#pragma once

#include <span>
#include <vector>

#include "kernels/encode.h"
#include "ledger/bytes.h"
#include "ledger/model/layout.h"
#include "worker/adversary.h"

namespace gradmint::session {

struct Submission {
  kernels::EncodedBytes payload;
  Hash root;
  std::int16_t exponent = 0;  // of the parameters' largest finite |x|: a NaN is for intake to find
  kernels::Floats residual;   // what the encoding of the parameters lost, for the next update;
                              // empty for fp32
};

// `global` is what `local` was trained from, of `size`; `residual` what the encoding of this
// worker's update before lost (empty: nothing). `encoder` encodes. Refuses what make_update
// refuses, and what cannot be encoded.
Result<Submission> make_submission(const ModelSize& size, std::span<const float> global,
                                   std::span<const float> local, std::span<const float> residual,
                                   const kernels::Encoding& encoding,
                                   const AdversarySpec& adversary, const AdversaryView& view,
                                   kernels::Backend& encoder);

}  // namespace gradmint::session
