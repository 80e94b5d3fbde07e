// The optimizer's step on the GPU, for one coordinate or four (combine_cuda.cu and its like only).
#pragma once

#include "kernels/cuda_passes.h"

namespace gradmint::kernels::cuda {

// Count consecutive values as one load or store where they are four, aligned to 16 bytes.
template <int Count>
__device__ void load_values(const float* from, float (&values)[Count]) {
  if constexpr (Count == 4) {
    const float4 x = *reinterpret_cast<const float4*>(from);
    values[0] = x.x;
    values[1] = x.y;
    values[2] = x.z;
    values[3] = x.w;
  } else {
    for (int k = 0; k < Count; ++k) values[k] = from[k];
  }
}
template <int Count>
__device__ void store_values(float* to, const float (&values)[Count]) {
  if constexpr (Count == 4) {
    *reinterpret_cast<float4*>(to) = make_float4(values[0], values[1], values[2], values[3]);
  } else {
    for (int k = 0; k < Count; ++k) to[k] = values[k];
  }
}

template <OptimizerKind Kind, int Count>
__device__ std::int32_t step_at(const DevicePass& pass, std::size_t c,
                                const float (&deltas)[Count]) {
  using L = Lanes<1>;
  constexpr int moments = moments_of(Kind);
  float model[Count];
  float first[Count] = {};
  float second[Count] = {};
  load_values(pass.model + c, model);
  if constexpr (moments >= 1) load_values(pass.first + c, first);
  if constexpr (moments == 2) load_values(pass.second + c, second);
  std::int32_t largest = 0;
  for (int k = 0; k < Count; ++k) {
    model[k] = step_value<L, Kind>(pass.step, model[k], deltas[k], first[k], second[k]);
    largest = larger(largest, magnitude<L>(model[k]));
    if constexpr (moments >= 1) largest = larger(largest, magnitude<L>(first[k]));
    if constexpr (moments == 2) largest = larger(largest, magnitude<L>(second[k]));
  }
  store_values(pass.model_out + c, model);
  if constexpr (moments >= 1) store_values(pass.first_out + c, first);
  if constexpr (moments == 2) store_values(pass.second_out + c, second);
  return largest;
}

// Writes the deltas of the coordinates from c on where they are wanted, and takes the step; returns
// the largest magnitude written. c is a multiple of Count.
template <int Count>
__device__ std::int32_t apply_steps(const DevicePass& pass, std::size_t c,
                                    const float (&deltas)[Count]) {
  if (pass.delta_out != nullptr) store_values(pass.delta_out + c, deltas);
  switch (pass.step.kind) {
    case OptimizerKind::momentum:
      return step_at<OptimizerKind::momentum>(pass, c, deltas);
    case OptimizerKind::nesterov:
      return step_at<OptimizerKind::nesterov>(pass, c, deltas);
    case OptimizerKind::adagrad:
      return step_at<OptimizerKind::adagrad>(pass, c, deltas);
    case OptimizerKind::adam:
      return step_at<OptimizerKind::adam>(pass, c, deltas);
    case OptimizerKind::yogi:
      return step_at<OptimizerKind::yogi>(pass, c, deltas);
    case OptimizerKind::plain:
      break;
  }
  return step_at<OptimizerKind::plain>(pass, c, deltas);
}

__device__ inline std::int32_t apply_step(const DevicePass& pass, std::size_t c, float delta) {
  const float deltas[1] = {delta};
  return apply_steps(pass, c, deltas);
}

}  // namespace gradmint::kernels::cuda
