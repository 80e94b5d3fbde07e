// Updates as blocks of integers on the GPU (blocks_rule.h), and their squared norms. One thread
// block a block of a row: its 4096 values stay in registers from the search for the largest to the
// rounding, so every update is read once.
//
// For a Gram matrix an integer q is written as two int8, q = 128 * high + low with 0 <= low < 128,
// for the tensor cores (gram_cuda.cu). A norm needs only the sum of q * q, which is taken at once.
// Bound, expected: memory; not yet measured on a GPU.
#include "kernels/blocks_rule.h"
#include "kernels/cuda_launch.h"
#include "kernels/cuda_passes.h"
#include "kernels/cuda_warp.h"

namespace gradmint::kernels::cuda {
namespace {

using L = Lanes<1>;
constexpr unsigned kThreads = 256;
constexpr unsigned kFours = kBlockSize / (4 * kThreads);  // float4 a thread

// Four values from `at` on, zeros beyond the end.
__device__ float4 load_four(const float* values, std::size_t at, std::size_t count) {
  if (at + 4 <= count) return *reinterpret_cast<const float4*>(values + at);
  float4 four = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
  if (at < count) four.x = values[at];
  if (at + 1 < count) four.y = values[at + 1];
  if (at + 2 < count) four.z = values[at + 2];
  return four;
}

__device__ void store_slices(std::int8_t* block, std::size_t at, const std::int32_t (&q)[4]) {
  const auto byte = [](std::int32_t x) { return static_cast<signed char>(x); };
  *reinterpret_cast<char4*>(block + at) =
      make_char4(byte(q[0] >> 7), byte(q[1] >> 7), byte(q[2] >> 7), byte(q[3] >> 7));
  *reinterpret_cast<char4*>(block + kBlockSize + at) =
      make_char4(byte(q[0] & 127), byte(q[1] & 127), byte(q[2] & 127), byte(q[3] & 127));
}

__device__ void store_block_sum(long long own, long long* to) {
  __shared__ long long parts[kThreads / 32];
  for (int apart = 16; apart > 0; apart /= 2) own += __shfl_xor_sync(kAllLanes, own, apart);
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = own;
  __syncthreads();
  if (threadIdx.x != 0) return;
  long long sum = 0;
  for (const long long part : parts) sum += part;
  *to = sum;
}

template <bool kNormsOnly>
__global__ void __launch_bounds__(kThreads) quantise_kernel(DeviceBlocks blocks) {
  __shared__ std::int32_t largest;
  const std::size_t block = blockIdx.x;
  const std::size_t row = blockIdx.y;
  const float* values = blocks.rows[row] + block * kBlockSize;
  const std::size_t left = blocks.count - block * kBlockSize;
  if (threadIdx.x == 0) largest = 0;
  __syncthreads();
  float4 fours[kFours];
  std::int32_t own = 0;
#pragma unroll
  for (unsigned k = 0; k < kFours; ++k) {
    const float4 x = fours[k] = load_four(values, (k * kThreads + threadIdx.x) * 4, left);
    own = larger(own, larger(larger(magnitude<L>(x.x), magnitude<L>(x.y)),
                             larger(magnitude<L>(x.z), magnitude<L>(x.w))));
  }
  own = warp_largest(own);
  if (threadIdx.x % 32 == 0) atomicMax(&largest, own);
  __syncthreads();
  const int shift = block_shift(largest);
  if (threadIdx.x == 0) {
    blocks.shifts[row * blocks.stride + block] = shift;
    atomicMax(blocks.report, largest);
  }
  if constexpr (kNormsOnly) {
    // The report refuses these updates. Their squares would not fit, and nobody reads the sum.
    if (largest >= kInfinityMagnitude) {
      if (threadIdx.x == 0) blocks.sums[block * static_cast<std::size_t>(blocks.n) + row] = 0;
      return;
    }
  }
  const BlockScale scale = block_scale(shift);
  long long sum = 0;
#pragma unroll
  for (unsigned k = 0; k < kFours; ++k) {
    const std::int32_t q[4] = {block_value<L>(fours[k].x, scale), block_value<L>(fours[k].y, scale),
                               block_value<L>(fours[k].z, scale),
                               block_value<L>(fours[k].w, scale)};
    if constexpr (kNormsOnly) {
      for (const std::int32_t each : q) sum += each * each;
    } else {
      store_slices(blocks.slices + (row * blocks.stride + block) * 2 * kBlockSize,
                   (k * kThreads + threadIdx.x) * 4, q);
    }
  }
  if constexpr (kNormsOnly) {
    store_block_sum(sum, blocks.sums + block * static_cast<std::size_t>(blocks.n) + row);
  }
}

}  // namespace

cudaError_t launch_quantise(const DeviceBlocks& blocks, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(blocks_of(blocks.count)), static_cast<unsigned>(blocks.n));
  return start(blocks.diagonal_only ? quantise_kernel<true> : quantise_kernel<false>, grid,
               kThreads, stream, blocks);
}

}  // namespace gradmint::kernels::cuda
