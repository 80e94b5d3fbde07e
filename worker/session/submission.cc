#include "worker/session/submission.h"

#include <algorithm>
#include <cmath>

#include "kernels/check_encoded.h"
#include "kernels/fixed_point.h"
#include "kernels/parallel.h"
#include "ledger/merkle.h"
#include "ledger/payload.h"
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

// What follows from the payload.
Submission submission_of(const kernels::Encoding& encoding, std::size_t size,
                         kernels::Encoded encoded) {
  const auto check = kernels::check_encoded(encoded.bytes, encoding, size);
  GRADMINT_CHECK(check.ok());
  Submission submission;
  submission.exponent = static_cast<std::int16_t>(check.exponent);
  submission.payload = std::move(encoded.bytes);
  submission.residual = std::move(encoded.residual);
  return submission;
}

Result<Submission> encode_honest(kernels::Backend& encoder, const kernels::Encoding& encoding,
                                 std::vector<float> update, std::span<const float> residual) {
  if (Status fits = check_residual(update.size(), residual.size()); !fits) return fits.error();
  auto encoded = kernels::encode(encoder, encoding, update, residual);
  if (encoded) return submission_of(encoding, update.size(), *std::move(encoded));
  // Where the sum is not finite, that is the reason a user can do something about.
  if (Status added = add_residual(update, residual); !added) return added.error();
  return encoded.error();
}

Result<Submission> encode_hostile(kernels::Backend& encoder, const kernels::Encoding& encoding,
                                  std::vector<float> update) {
  if (!std::all_of(update.begin(), update.end(), [](float x) { return std::isfinite(x); })) {
    auto bytes = encode_not_finite(encoding, update);
    if (!bytes) return bytes.error();
    Submission submission;
    submission.payload = *std::move(bytes);
    submission.exponent = exponent_of(std::move(update));
    return submission;
  }
  auto encoded = kernels::encode(encoder, encoding, update, {});
  if (!encoded) return encoded.error();
  return submission_of(encoding, update.size(), *std::move(encoded));
}

std::vector<float> split_off_buffers(std::vector<float>& update, const ModelSize& size) {
  const auto begin = update.begin() + static_cast<std::ptrdiff_t>(size.parameters);
  std::vector<float> buffers(begin, update.end());
  update.erase(begin, update.end());
  return buffers;
}

void append_buffers(std::span<const float> buffers, const kernels::Encoding& encoding,
                    const ModelSize& size, kernels::EncodedBytes& payload) {
  if (buffers.empty()) return;
  payload.resize(payload_bytes(encoding, size) - buffers.size_bytes(), 0);
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(buffers.data());
  payload.insert(payload.end(), bytes, bytes + buffers.size_bytes());
}

}  // namespace

Result<Submission> make_submission(const ModelSize& size, std::span<const float> global,
                                   std::span<const float> local, std::span<const float> residual,
                                   const kernels::Encoding& encoding,
                                   const AdversarySpec& adversary, const AdversaryView& view,
                                   kernels::Backend& encoder) {
  auto update = make_update(local, global);
  if (!update) return update.error();
  GRADMINT_CHECK(update->size() == size.values());
  std::vector<float> buffers = split_off_buffers(*update, size);
  Result<Submission> submission = [&]() -> Result<Submission> {
    if (!adversary.active(view.round)) {
      return encode_honest(encoder, encoding, *std::move(update), residual);
    }
    if (Status added = add_residual(*update, residual); !added) return added.error();
    update->insert(update->end(), buffers.begin(), buffers.end());
    *update = hostile_update(adversary, *std::move(update), view);
    buffers = split_off_buffers(*update, size);
    return encode_hostile(encoder, encoding, *std::move(update));
  }();
  if (!submission) return submission;
  append_buffers(buffers, encoding, size, submission->payload);
  submission->root = blob_root(submission->payload, kernels::all_cores());
  return submission;
}

}  // namespace gradmint::session
