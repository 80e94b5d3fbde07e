#include "worker/update.h"

#include <cmath>
#include <string>

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

}  // namespace gradmint
