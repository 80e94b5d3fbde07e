// From the integer sums of a chunk's blocks to fp64, added in the fixed tree of dots.h, on the GPU.
// Compiled with --fmad=false; IEEE additions in one order, so the host's bits.
//
// A thread block takes 32 pairs; 8 threads a pair add 8 blocks each, and the first adds those.
// Blocks that are not there count as +0, which changes no sum: none is ever -0. A chunk is a full
// subtree, or the last, so it then joins the subtrees before it as TreeSum does. Bound, expected:
// the second level cache; little beside the passes. Not yet measured on a GPU.
#include "kernels/blocks_rule.h"
#include "kernels/cuda_launch.h"
#include "kernels/cuda_passes.h"

namespace gradmint::kernels::cuda {
namespace {

constexpr unsigned kPairs = 32;
constexpr unsigned kEighths = 8;
static_assert(kChunkBlocks == kEighths * 8);

// What a block of the chunk stands for.
__device__ double block_dot(const DeviceBlocks& blocks, std::size_t block, std::size_t i,
                            std::size_t j, std::size_t width, std::size_t place) {
  if (block >= blocks_of(blocks.count)) return 0.0;
  long long sum = 0;
  for (std::size_t part = 0; part < blocks.parts(); ++part) {
    sum += blocks.sums[(block * blocks.parts() + part) * width + place];
  }
  const int shift =
      blocks.shifts[i * blocks.stride + block] + blocks.shifts[j * blocks.stride + block];
  return static_cast<double>(sum) * power_of_two(-shift);
}

__device__ double tree_of_eight(const double (&x)[8]) {
  return ((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + (x[6] + x[7]));
}

// The chunk's subtree takes the place of level `carries`, with the levels below it added.
__global__ void __launch_bounds__(kPairs* kEighths)
    tree_kernel(DeviceBlocks blocks, std::size_t width, int carries) {
  __shared__ double eighths[kEighths][kPairs];
  const std::size_t n = static_cast<std::size_t>(blocks.n);
  const std::size_t place = std::size_t{blockIdx.x} * kPairs + threadIdx.x;
  const std::size_t i = blocks.diagonal_only ? place : place / n;
  const std::size_t j = blocks.diagonal_only ? place : place % n;
  const bool wanted = place < width && j <= i;
  if (wanted) {
    double dots[8];
#pragma unroll
    for (unsigned k = 0; k < 8; ++k) {
      dots[k] = block_dot(blocks, threadIdx.y * 8 + k, i, j, width, place);
    }
    eighths[threadIdx.y][threadIdx.x] = tree_of_eight(dots);
  }
  __syncthreads();
  if (!wanted || threadIdx.y != 0) return;
  double parts[8];
#pragma unroll
  for (unsigned k = 0; k < kEighths; ++k) parts[k] = eighths[k][threadIdx.x];
  double sum = tree_of_eight(parts);
  for (int level = 0; level < carries; ++level) {
    sum = blocks.levels[static_cast<std::size_t>(level) * width + place] + sum;
  }
  blocks.levels[static_cast<std::size_t>(carries) * width + place] = sum;
}

}  // namespace

cudaError_t launch_tree(const DeviceBlocks& blocks, std::size_t chunk, cudaStream_t stream) {
  int carries = 0;
  for (; (chunk >> carries & 1u) != 0; ++carries) {
  }
  const std::size_t width = blocks.width();
  const auto grid = static_cast<unsigned>((width + kPairs - 1) / kPairs);
  return start(tree_kernel, grid, dim3(kPairs, kEighths), stream, blocks, width, carries);
}

}  // namespace gradmint::kernels::cuda
