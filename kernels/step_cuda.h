// One coordinate's optimizer step on the GPU (combine_cuda.cu and its like only).
#pragma once

#include "kernels/cuda_passes.h"

namespace gradmint::kernels::cuda {

template <OptimizerKind Kind>
__device__ std::int32_t step_at(const DevicePass& pass, std::size_t c, float delta) {
  using L = Lanes<1>;
  constexpr int moments = moments_of(Kind);
  float first = 0.0f;
  float second = 0.0f;
  if constexpr (moments >= 1) first = pass.first[c];
  if constexpr (moments == 2) second = pass.second[c];
  const float next = step_value<L, Kind>(pass.step, pass.model[c], delta, first, second);
  pass.model_out[c] = next;
  std::int32_t largest = magnitude<L>(next);
  if constexpr (moments >= 1) {
    largest = larger(largest, magnitude<L>(first));
    pass.first_out[c] = first;
  }
  if constexpr (moments == 2) {
    largest = larger(largest, magnitude<L>(second));
    pass.second_out[c] = second;
  }
  return largest;
}

// Writes the delta where it is wanted and takes the step; returns the largest magnitude written.
__device__ inline std::int32_t apply_step(const DevicePass& pass, std::size_t c, float delta) {
  if (pass.delta_out != nullptr) pass.delta_out[c] = delta;
  switch (pass.step.kind) {
    case OptimizerKind::momentum:
      return step_at<OptimizerKind::momentum>(pass, c, delta);
    case OptimizerKind::nesterov:
      return step_at<OptimizerKind::nesterov>(pass, c, delta);
    case OptimizerKind::adagrad:
      return step_at<OptimizerKind::adagrad>(pass, c, delta);
    case OptimizerKind::adam:
      return step_at<OptimizerKind::adam>(pass, c, delta);
    case OptimizerKind::yogi:
      return step_at<OptimizerKind::yogi>(pass, c, delta);
    case OptimizerKind::plain:
      break;
  }
  return step_at<OptimizerKind::plain>(pass, c, delta);
}

}  // namespace gradmint::kernels::cuda
