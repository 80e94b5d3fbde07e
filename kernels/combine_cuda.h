// What the combining kernels share (combine_cuda.cu, sorted_cuda.cu): the values they see, the
// report and the evidence counts. Device code, one coordinate a thread.
#pragma once

#include "kernels/cuda_launch.h"
#include "kernels/cuda_passes.h"
#include "kernels/cuda_warp.h"
#include "kernels/median_rule.h"
#include "kernels/step_cuda.h"

namespace gradmint::kernels::cuda {
namespace {

using L = Lanes<1>;
constexpr unsigned kThreads = 256;

unsigned grid_of(std::size_t items) {
  return static_cast<unsigned>((items + kThreads - 1) / kThreads);
}

// The largest of a warp's values grows the report. Integers: the order of arrival does not matter.
__device__ void grow(std::int32_t* report, std::int32_t value) {
  const std::int32_t largest = warp_largest(value);
  // What is read may be late, but only too low; most warps then need no atomic on the one address.
  if (threadIdx.x % 32 == 0 && largest > *report) atomicMax(report, largest);
}

// The value the rule sees of update i. What was read, and what is seen, grow `largest`.
__device__ float value_at(const DevicePass& pass, int i, std::size_t c, std::int32_t& largest) {
  const float x = pass.rows[i][c];
  largest = larger(largest, magnitude<L>(x));
  if (pass.factors == nullptr) return x;
  const float scaled = scaled_value<L>(x, pass.factors[i]);
  largest = larger(largest, magnitude<L>(scaled));
  return scaled;
}

__device__ float value_at(const DevicePass& pass, int i, std::size_t c) {
  std::int32_t ignored = 0;
  return value_at(pass, i, c, ignored);
}

// The key of update i at one coordinate, read anew each time.
struct KeyAt {
  const DevicePass& pass;
  std::size_t c;
  __device__ std::int32_t operator()(int i) const { return key_of<L>(value_at(pass, i, c)); }
};

// What every order statistic does once its result and the ends of what it keeps are known. Every
// thread of the warp comes here; `inside`: the coordinate exists.
__device__ void finish_order(const DevicePass& pass, std::size_t c, bool inside, float delta,
                             float low, float high, std::int32_t largest_input) {
  const std::int32_t written = inside ? apply_step(pass, c, delta) : 0;
  grow(pass.report, largest_input);
  grow(pass.report + 1, written);
  if (pass.outside == nullptr) return;
  for (int i = 0; i < pass.n; ++i) {
    const float x = inside ? value_at(pass, i, c) : low;
    const unsigned votes = __ballot_sync(kAllLanes, inside && (x < low || high < x));
    if (threadIdx.x % 32 == 0 && votes != 0) {
      atomicAdd(pass.outside + i, static_cast<unsigned long long>(__popc(votes)));
    }
  }
}

}  // namespace
}  // namespace gradmint::kernels::cuda
