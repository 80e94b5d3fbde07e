#include "worker/update.h"

#include <cmath>
#include <string>

#include "kernels/scan.h"

namespace gradmint {

Status canonicalise_update(std::span<float> update) {
  const kernels::ScanResult scan = kernels::scan_and_canonicalise(update);
  if (scan.finite) return {};
  return Error{ErrorCode::bad_input, "the update is not finite at coordinate " +
                                         std::to_string(scan.first_not_finite) +
                                         ": training diverged; lower the learning rate"};
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

Status check_residual(std::size_t update_size, std::size_t residual_size) {
  if (residual_size == 0 || residual_size == update_size) return {};
  return Error{ErrorCode::corrupt, "what is left of the update before has " +
                                       std::to_string(residual_size) + " values, this one has " +
                                       std::to_string(update_size) +
                                       ": delete the residual files in the worker's rounds"};
}

Status add_residual(std::span<float> update, std::span<const float> residual) {
  if (Status fits = check_residual(update.size(), residual.size()); !fits) return fits;
  if (residual.empty()) return {};
  for (std::size_t i = 0; i < update.size(); ++i) update[i] += residual[i];
  return canonicalise_update(update);
}

Result<kernels::EncodedBytes> encode_not_finite(const kernels::Encoding& encoding,
                                                std::vector<float> update) {
  if (encoding.kind == kernels::EncodingKind::fp32) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(update.data());
    return kernels::EncodedBytes(bytes, bytes + sizeof(float) * update.size());
  }
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < update.size(); ++i) {
    if (std::isfinite(update[i])) continue;
    update[i] = 0.0F;
    places.push_back(i);
  }
  auto encoded = kernels::encode(encoding, update);
  if (!encoded) return encoded.error();
  kernels::EncodedBytes& bytes = encoded->bytes;
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
