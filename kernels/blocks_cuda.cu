// Block integers and their exact dot products on the GPU (blocks_rule.h). The sums are integers, so
// how a block of threads adds them does not matter.
//
// One thread block per (block, pair), 16-bit integers, no tensor cores: every pair reads its two
// rows again, from the second-level cache at best, so a Gram matrix of many updates takes many
// times one pass. Two int8 slices on tensor cores would read each block once. Not yet measured on a
// GPU.
#include "kernels/blocks_rule.h"
#include "kernels/cuda_launch.h"
#include "kernels/cuda_passes.h"
#include "kernels/cuda_warp.h"

namespace gradmint::kernels::cuda {
namespace {

using L = Lanes<1>;
constexpr unsigned kThreads = 128;

__global__ void __launch_bounds__(kThreads)
    quantise_kernel(DeviceBlocks blocks, std::size_t block_count) {
  __shared__ std::int32_t largest;
  const std::size_t block = blockIdx.x;
  const std::size_t row = blockIdx.y;
  const float* values = blocks.rows[row] + block * kBlockSize;
  const std::size_t left = blocks.count - block * kBlockSize;
  const std::size_t count = left < kBlockSize ? left : kBlockSize;
  if (threadIdx.x == 0) largest = 0;
  __syncthreads();
  std::int32_t own = 0;
  for (std::size_t c = threadIdx.x; c < count; c += kThreads) {
    own = larger(own, magnitude<L>(values[c]));
  }
  own = warp_largest(own);
  if (threadIdx.x % 32 == 0) atomicMax(&largest, own);
  __syncthreads();
  const int shift = block_shift(largest);
  if (threadIdx.x == 0) {
    blocks.shifts[row * block_count + block] = shift;
    atomicMax(blocks.report, largest);
  }
  const BlockScale scale = block_scale(shift);
  std::int16_t* integers = blocks.integers + (row * block_count + block) * kBlockSize;
  for (std::size_t c = threadIdx.x; c < kBlockSize; c += kThreads) {
    integers[c] = c < count ? static_cast<std::int16_t>(block_value<L>(values[c], scale)) : 0;
  }
}

__global__ void __launch_bounds__(kThreads)
    dots_kernel(DeviceBlocks blocks, std::size_t block_count) {
  const std::size_t i = blockIdx.y;
  const std::size_t j = blocks.diagonal_only ? i : blockIdx.x;
  const std::size_t block = blockIdx.z;
  if (j > i) return;
  const std::int16_t* a = blocks.integers + (i * block_count + block) * kBlockSize;
  const std::int16_t* b = blocks.integers + (j * block_count + block) * kBlockSize;
  long long sum = 0;
  for (std::size_t c = threadIdx.x; c < kBlockSize; c += kThreads) {
    sum += static_cast<std::int32_t>(a[c]) * static_cast<std::int32_t>(b[c]);
  }
  for (int apart = 16; apart > 0; apart /= 2) sum += __shfl_down_sync(kAllLanes, sum, apart);
  __shared__ long long parts[kThreads / 32];
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x != 0) return;
  long long total = 0;
  for (const long long part : parts) total += part;
  const std::size_t n = static_cast<std::size_t>(blocks.n);
  blocks.sums[blocks.diagonal_only ? block * n + i : (block * n + i) * n + j] = total;
}

std::size_t blocks_of(std::size_t count) { return (count + kBlockSize - 1) / kBlockSize; }

}  // namespace

cudaError_t launch_quantise(const DeviceBlocks& blocks, cudaStream_t stream) {
  const std::size_t block_count = blocks_of(blocks.count);
  const dim3 grid(static_cast<unsigned>(block_count), static_cast<unsigned>(blocks.n));
  return start(quantise_kernel, grid, kThreads, stream, blocks, block_count);
}

cudaError_t launch_dots(const DeviceBlocks& blocks, cudaStream_t stream) {
  const std::size_t block_count = blocks_of(blocks.count);
  const unsigned n = static_cast<unsigned>(blocks.n);
  const dim3 grid(blocks.diagonal_only ? 1 : n, n, static_cast<unsigned>(block_count));
  return start(dots_kernel, grid, kThreads, stream, blocks, block_count);
}

}  // namespace gradmint::kernels::cuda
