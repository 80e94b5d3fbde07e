#include "worker/update.h"

#include <cmath>
#include <string>

#include "kernels/encode.h"
#include "ledger/model/safetensors.h"

namespace gradmint {

Status canonicalise_update(std::span<float> update) {
  for (std::size_t i = 0; i < update.size(); ++i) {
    if (!std::isfinite(update[i]))
      return Error{ErrorCode::bad_input, "the update is not finite at coordinate " +
                                             std::to_string(i) +
                                             ": training diverged; lower the learning rate"};
    if (update[i] == 0.0F) update[i] = 0.0F;  // −0 becomes +0
  }
  return {};
}

Result<std::vector<float>> make_update(std::span<const float> local,
                                       std::span<const float> global) {
  if (local.size() != global.size())
    return Error{ErrorCode::bad_input, "the trained model has " + std::to_string(local.size()) +
                                           " values, the global model " +
                                           std::to_string(global.size())};
  std::vector<float> update(local.size());
  for (std::size_t i = 0; i < update.size(); ++i) update[i] = local[i] - global[i];
  if (Status status = canonicalise_update(update); !status) return status.error();
  return update;
}

std::vector<std::uint8_t> encode_update_fp32(std::span<const float> update) {
  return encode_flat_fp32(update);
}

Status add_residual(std::span<float> update, std::span<const float> residual) {
  if (residual.empty()) return {};
  if (residual.size() != update.size())
    return Error{ErrorCode::corrupt, "what is left of the update before has " +
                                         std::to_string(residual.size()) +
                                         " values, this one has " + std::to_string(update.size()) +
                                         ": delete the residual files in the worker's rounds"};
  for (std::size_t i = 0; i < update.size(); ++i) update[i] += residual[i];
  return canonicalise_update(update);
}

Result<std::vector<std::uint8_t>> encode_not_finite(const kernels::Encoding& encoding,
                                                    std::vector<float> update) {
  if (encoding.kind == kernels::EncodingKind::fp32) return encode_update_fp32(update);
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < update.size(); ++i) {
    if (std::isfinite(update[i])) continue;
    update[i] = 0.0F;
    places.push_back(i);
  }
  auto encoded = kernels::encode(encoding, update);
  if (!encoded) return encoded.error();
  std::vector<std::uint8_t>& bytes = encoded->bytes;
  const std::size_t count = update.size();
  for (const std::size_t i : places) {
    switch (encoding.kind) {
      case kernels::EncodingKind::bf16:
      case kernels::EncodingKind::fp16:
        bytes[2 * i] = bytes[2 * i + 1] = 0xFF;
        break;
      case kernels::EncodingKind::int8:
        bytes[bytes.size() - count + i] = 0x80;
        break;
      case kernels::EncodingKind::int4:
        bytes[bytes.size() - (count + 1) / 2 + i / 2] = 0x88;
        break;
      default:  // the last value that is kept
        bytes[bytes.size() - 1] = bytes[bytes.size() - 2] = 0xFF;
    }
  }
  return std::move(*encoded).bytes;
}

}  // namespace gradmint
