#include "worker/session/submission.h"

#include <cmath>

#include "kernels/fixed_point.h"
#include "kernels/parallel.h"
#include "ledger/merkle.h"
#include "worker/update.h"

namespace gradmint::session {
namespace {

std::int16_t exponent_of(std::vector<float> update) {
  int exponent = kernels::exponent_of_largest(update);
  if (exponent > kernels::kMaxExponent) {
    for (float& x : update) {
      if (!std::isfinite(x)) x = 0.0F;
    }
    exponent = kernels::exponent_of_largest(update);
  }
  return static_cast<std::int16_t>(exponent);
}

}  // namespace

Result<Submission> make_submission(std::span<const float> global, std::span<const float> local,
                                   const AdversarySpec& adversary, const AdversaryView& view) {
  auto honest = make_update(local, global);
  if (!honest) return honest.error();
  std::vector<float> update = hostile_update(adversary, *std::move(honest), view);
  Submission submission;
  submission.payload = encode_update_fp32(update);
  submission.root = blob_root(submission.payload, kernels::all_cores());
  submission.exponent = exponent_of(std::move(update));
  return submission;
}

}  // namespace gradmint::session
