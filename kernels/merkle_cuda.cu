// Merkle roots on the GPU (merkle_rule.h): a leaf for each thread, then groups of nodes, each
// reduced in shared memory by a block of threads.
//
// A leaf's 4096 bytes are contiguous, so threads that each read their own would touch 32 lines at a
// time. Four lanes load 64 bytes of one leaf together and the warp hands them over through shared
// memory. ptxas for sm_90: 72 registers for the leaves, 48 for the nodes, no spills. Bound,
// expected: integer arithmetic, about 1266 instructions a compression. Not yet measured on a GPU.
#include <string>

#include "kernels/cuda_launch.h"
#include "kernels/merkle_cuda.h"
#include "kernels/merkle_rule.h"

namespace gradmint::kernels::cuda {
namespace {

constexpr unsigned kWarp = 32;
constexpr unsigned kLeafThreads = 128;
constexpr unsigned kBlocksPerLeaf = kMerkleLeafBytes / 64;
constexpr unsigned kStride = 17;  // words; one more than a block has, against bank conflicts

// Where the last leaf is partial, block 0 hashes that (so that it does not begin when the others
// end), and the whole leaves follow.
__global__ void __launch_bounds__(kLeafThreads)
    leaf_kernel(const std::uint8_t* bytes, std::size_t length, Digest* nodes) {
  __shared__ std::uint32_t staged[kLeafThreads / kWarp][kWarp * kStride];
  const std::size_t whole = length / kMerkleLeafBytes;
  const int rest = static_cast<int>(length % kMerkleLeafBytes);
  if (rest != 0 && blockIdx.x == 0) {
    if (threadIdx.x == 0) nodes[whole] = leaf_digest(bytes + whole * kMerkleLeafBytes, rest);
    return;
  }
  const unsigned place = blockIdx.x - (rest != 0 ? 1 : 0);
  const unsigned lane = threadIdx.x % kWarp;
  std::uint32_t* shared = staged[threadIdx.x / kWarp];
  const std::size_t own = std::size_t{place} * kLeafThreads + threadIdx.x;
  const std::size_t first = own - lane;  // the warp's first leaf
  PrefixedSha256 hasher(0x00);
  for (unsigned block = 0; block < kBlocksPerLeaf; ++block) {
    __syncwarp();
    for (unsigned k = 0; k < 4; ++k) {
      const unsigned leaf = 8 * k + lane / 4;
      if (first + leaf >= whole) continue;
      const std::size_t at = (first + leaf) * kMerkleLeafBytes + block * 64 + lane % 4 * 16;
      const uint4 loaded = *reinterpret_cast<const uint4*>(bytes + at);
      std::uint32_t* to = shared + leaf * kStride + lane % 4 * 4;
      to[0] = loaded.x;
      to[1] = loaded.y;
      to[2] = loaded.z;
      to[3] = loaded.w;
    }
    __syncwarp();
    if (own >= whole) continue;
    std::uint32_t data[16];
#pragma unroll
    for (unsigned i = 0; i < 16; ++i) data[i] = swap_bytes(shared[lane * kStride + i]);
    hasher.absorb(data);
  }
  if (own < whole) nodes[own] = hasher.finish(nullptr, 0, kMerkleLeafBytes);
}

// Each block of threads reduces a group of at most kMerkleGroup nodes to one.
__global__ void __launch_bounds__(kMerkleGroup / 2)
    reduce_kernel(const Digest* nodes, std::size_t count, Digest* parents) {
  __shared__ Digest level[kMerkleGroup];
  const std::size_t begin = std::size_t{blockIdx.x} * kMerkleGroup;
  const std::size_t left = count - begin;
  int size = static_cast<int>(left < kMerkleGroup ? left : kMerkleGroup);
  const int thread = static_cast<int>(threadIdx.x);
  for (int i = thread; i < size; i += kMerkleGroup / 2) {
    level[i] = nodes[begin + static_cast<std::size_t>(i)];
  }
  __syncthreads();
  while (size > 1) {
    const bool has_one = thread < parents_of(size);
    Digest parent{};
    if (has_one) parent = parent_digest(level, size, thread);
    __syncthreads();
    if (has_one) level[thread] = parent;
    __syncthreads();
    size = parents_of(size);
  }
  if (thread == 0) parents[blockIdx.x] = level[0];
}

__global__ void nothing_kernel(Digest* root) { *root = digest_of_nothing(); }

}  // namespace

std::size_t merkle_scratch_digests(std::size_t length) {
  const std::size_t leaves = merkle_leaves(length);
  return leaves + merkle_groups(leaves);
}

cudaError_t launch_merkle_root(const void* bytes, std::size_t length, Digest* scratch, Digest* root,
                               cudaStream_t stream) {
  if (length == 0) return start(nothing_kernel, 1, 1, stream, root);
  const std::size_t whole = length / kMerkleLeafBytes;
  const std::size_t blocks =
      (whole + kLeafThreads - 1) / kLeafThreads + (length % kMerkleLeafBytes != 0 ? 1 : 0);
  cudaError_t code = start(leaf_kernel, static_cast<unsigned>(blocks), kLeafThreads, stream,
                           static_cast<const std::uint8_t*>(bytes), length, scratch);
  if (code != cudaSuccess) return code;
  // Level by level between the two parts of the scratch memory.
  Digest* from = scratch;
  Digest* to = scratch + merkle_leaves(length);
  for (std::size_t count = merkle_leaves(length);;) {
    const std::size_t groups = merkle_groups(count);
    code = start(reduce_kernel, static_cast<unsigned>(groups), kMerkleGroup / 2, stream, from,
                 count, groups == 1 ? root : to);
    if (code != cudaSuccess || groups == 1) return code;
    count = groups;
    std::swap(from, to);
  }
}

Result<Digest> merkle_root(const void* device_bytes, std::size_t length) {
  const std::size_t digests = merkle_scratch_digests(length);
  Digest* memory = nullptr;
  Digest root{};
  cudaError_t code = cudaMalloc(&memory, (digests + 1) * sizeof(Digest));
  if (code == cudaSuccess) {
    code = launch_merkle_root(device_bytes, length, memory, memory + digests, nullptr);
  }
  if (code == cudaSuccess) {
    code = cudaMemcpy(&root, memory + digests, sizeof root, cudaMemcpyDeviceToHost);
  }
  cudaFree(memory);
  if (code == cudaSuccess) return root;
  return Error{ErrorCode::io, std::string("cuda: hashing: ") + cudaGetErrorString(code)};
}

}  // namespace gradmint::kernels::cuda
