// Mixed rows on the GPU (backend.h, Mixing): row i is the exact sum of all updates, less that of
// the few it leaves out, as a mean. One coordinate a thread; what is left out is read again from
// the cache. Compiled with --fmad=false. Bound, expected: memory while few are left out, then the
// second-level cache. Not yet measured on a GPU.
#include "kernels/cuda_launch.h"
#include "kernels/cuda_passes.h"
#include "kernels/cuda_warp.h"
#include "kernels/mean_rule.h"

namespace gradmint::kernels::cuda {
namespace {

using L = Lanes<1>;
constexpr unsigned kThreads = 256;

__global__ void __launch_bounds__(kThreads) mix_kernel(DeviceMix mix) {
  const std::size_t c = std::size_t{blockIdx.x} * kThreads + threadIdx.x;
  std::int32_t largest = 0;
  if (c < mix.count) {
    std::uint64_t all = 0;
    for (int j = 0; j < mix.n; ++j) {
      const float x = mix.rows[j][c];
      largest = larger(largest, magnitude<L>(x));
      all += biased_term<L>(x, mix.factors[j]);
    }
    const std::uint32_t* left_out = mix.excluded;
    for (int i = 0; i < mix.mixes; ++i) {
      std::uint64_t sum = all;
      for (int k = 0; k < mix.excluded_each; ++k, ++left_out) {
        sum -= biased_term<L>(mix.rows[*left_out][c], mix.factors[*left_out]);
      }
      mix.mixed[static_cast<std::size_t>(i) * mix.stride + c] = finish_mean<L>(sum, mix.finish);
    }
  }
  largest = warp_largest(largest);
  if (threadIdx.x % 32 == 0 && largest > *mix.report) atomicMax(mix.report, largest);
}

}  // namespace

cudaError_t launch_mix(const DeviceMix& mix, cudaStream_t stream) {
  if (mix.count == 0) return cudaSuccess;
  const unsigned grid = static_cast<unsigned>((mix.count + kThreads - 1) / kThreads);
  return start(mix_kernel, grid, kThreads, stream, mix);
}

}  // namespace gradmint::kernels::cuda
