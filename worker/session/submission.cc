#include "worker/session/submission.h"

#include <algorithm>
#include <cmath>

#include "kernels/check_encoded.h"
#include "kernels/encode.h"
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

// The payload and what follows from it.
Result<Submission> encode_update(const kernels::Encoding& encoding, std::vector<float> update) {
  Submission submission;
  if (!std::all_of(update.begin(), update.end(), [](float x) { return std::isfinite(x); })) {
    auto bytes = encode_not_finite(encoding, update);
    if (!bytes) return bytes.error();
    submission.payload = *std::move(bytes);
    submission.exponent = exponent_of(std::move(update));
    return submission;
  }
  if (encoding.kind == kernels::EncodingKind::fp32) {
    submission.payload = encode_update_fp32(update);
    submission.exponent = exponent_of(std::move(update));
    return submission;
  }
  auto encoded = kernels::encode(encoding, update);
  if (!encoded) return encoded.error();
  const auto check = kernels::check_encoded(encoded->bytes, encoding, update.size());
  GRADMINT_CHECK(check.ok());
  submission.exponent = static_cast<std::int16_t>(check.exponent);
  submission.payload = std::move(encoded->bytes);
  submission.residual = std::move(encoded->residual);
  return submission;
}

}  // namespace

Result<Submission> make_submission(std::span<const float> global, std::span<const float> local,
                                   std::span<const float> residual,
                                   const kernels::Encoding& encoding,
                                   const AdversarySpec& adversary, const AdversaryView& view) {
  auto honest = make_update(local, global);
  if (!honest) return honest.error();
  if (Status added = add_residual(*honest, residual); !added) return added.error();
  auto submission = encode_update(encoding, hostile_update(adversary, *std::move(honest), view));
  if (submission) submission->root = blob_root(submission->payload, kernels::all_cores());
  return submission;
}

}  // namespace gradmint::session
