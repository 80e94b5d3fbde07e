// The dot products of all pairs of updates, block by block, on tensor cores: exact, in integers.
//
// With q = 128 * high + low (blocks_cuda.cu) a dot product is 2^14 high.high + 2^7 (high.low +
// low.high) + low.low. A thread block takes T updates against T others over a part of one block of
// 4096 coordinates: the 2T rows of their slices against 2T others are one matrix product over int8,
// whose sums stay in registers (at most 2^26, in int32), and its four quarters are added up with
// their weights in shared memory. Bytes come through two stages of shared memory, the next being
// copied while one is multiplied; rows of 80 bytes there, so that no two lanes want the same bank.
//
// T is 64, or 32 or 16 where there are fewer updates. The whole square is computed on the diagonal
// too: its waiting half would idle. Bound, expected: loads from shared memory, about half the time
// of reading 64 updates as floats; not yet measured on a GPU. The version before this took one pair
// a thread block in 16-bit integers, and read every row n times.
#include <cuda_pipeline_primitives.h>

#include "kernels/blocks_rule.h"
#include "kernels/cuda_launch.h"
#include "kernels/cuda_mma.h"
#include "kernels/cuda_passes.h"

namespace gradmint::kernels::cuda {
namespace {

constexpr int kStageBytes = 64;  // coordinates of a stage
constexpr int kRowBytes = kStageBytes + 16;
constexpr int kPerCopy = 16;
constexpr int kStep = 32;  // coordinates of one multiplication

// How the warps of a thread block share 2T x 2T sums over a stage.
template <int T>
struct Shape {
  static constexpr int rows = 2 * T;
  static constexpr int warp_rows = T < 32 ? T : 32;
  static constexpr int warp_columns = T;  // so a warp's sums lie within one quarter
  static constexpr int warps_down = rows / warp_rows;
  static constexpr int warps_across = 2;
  static constexpr int groups = T < 64 ? 2 : 1;  // each takes its part of the stage's steps
  static constexpr int threads = 32 * warps_down * warps_across * groups;
  static constexpr int down = warp_rows / 16;  // multiplications of a warp
  static constexpr int across = warp_columns / 8;
};

// The tile (i, j), j <= i, of a triangle counted row by row.
struct Tile {
  int i = 0;
  int j = 0;
};
__device__ Tile tile_at(int place) {
  int i = 0;
  while (place > i) place -= ++i;
  return {i, place};
}

// Rows 0 to T - 1: the high slices of the tile's updates; T to 2T - 1: the low ones. Beyond the
// last update: zeros.
template <int T>
struct Stage {
  std::uint8_t rows[2 * T][kRowBytes];
};

template <int T>
__device__ void copy_stage(const DeviceBlocks& blocks, int first_update, std::size_t coordinate,
                           Stage<T>& stage) {
  constexpr int copies = kStageBytes / kPerCopy;
  for (int k = static_cast<int>(threadIdx.x); k < 2 * T * copies; k += Shape<T>::threads) {
    const int row = k / copies;
    const int at = k % copies * kPerCopy;
    const int update = first_update + row % T;
    void* to = &stage.rows[row][at];
    if (update < blocks.n) {
      const std::size_t block =
          (static_cast<std::size_t>(update) * blocks.stride + blockIdx.z) * 2 + (row >= T ? 1 : 0);
      __pipeline_memcpy_async(to, blocks.slices + block * kBlockSize + coordinate + at, kPerCopy);
    } else {
      *static_cast<uint4*>(to) = make_uint4(0, 0, 0, 0);
    }
  }
}

__device__ std::uint32_t word(const std::uint8_t* row, int byte) {
  return *reinterpret_cast<const std::uint32_t*>(row + byte);
}

// Where a warp works.
template <int T>
struct Place {
  int warp = static_cast<int>(threadIdx.x) / 32;
  int lane = static_cast<int>(threadIdx.x) % 32;
  int group = warp / (Shape<T>::warps_down * Shape<T>::warps_across);
  int first_row = warp / Shape<T>::warps_across % Shape<T>::warps_down * Shape<T>::warp_rows;
  int first_column = warp % Shape<T>::warps_across * Shape<T>::warp_columns;
};

template <int T>
struct Sums {
  std::int32_t of[Shape<T>::down][Shape<T>::across][4];
};

template <int T>
__device__ void multiply_stage(const Place<T>& place, const Stage<T>& left, const Stage<T>& right,
                               Sums<T>& sums) {
  const int g = place.lane / 4;
  // As many turns in every warp, known when compiled: no branch around a multiplication.
#pragma unroll
  for (int turn = 0; turn < kStageBytes / kStep / Shape<T>::groups; ++turn) {
    const int step = turn * Shape<T>::groups + place.group;
    const int byte = step * kStep + place.lane % 4 * 4;
    std::uint32_t a[Shape<T>::down][4];
#pragma unroll
    for (int m = 0; m < Shape<T>::down; ++m) {
      const int row = place.first_row + 16 * m + g;
      a[m][0] = word(left.rows[row], byte);
      a[m][1] = word(left.rows[row + 8], byte);
      a[m][2] = word(left.rows[row], byte + 16);
      a[m][3] = word(left.rows[row + 8], byte + 16);
    }
#pragma unroll
    for (int n = 0; n < Shape<T>::across; ++n) {
      const std::uint8_t* column = right.rows[place.first_column + 8 * n + g];
      const std::uint32_t b[2] = {word(column, byte), word(column, byte + 16)};
#pragma unroll
      for (int m = 0; m < Shape<T>::down; ++m) multiply_add(sums.of[m][n], a[m], b);
    }
  }
}

// Lays a warp's sums where their pairs are in the quarter.
template <int T>
__device__ void store_quarter(const Place<T>& place, const Sums<T>& sums,
                              std::int32_t (&quarter)[T][T]) {
  const int first_row = place.first_row % T + place.lane / 4;
  const int first_column = place.first_column % T + place.lane % 4 * 2;
#pragma unroll
  for (int m = 0; m < Shape<T>::down; ++m) {
#pragma unroll
    for (int n = 0; n < Shape<T>::across; ++n) {
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        quarter[first_row + 16 * m + k / 2 * 8][first_column + 8 * n + k % 2] = sums.of[m][n][k];
      }
    }
  }
}

// One quarter and group at a time, each pair by the same thread throughout. Adding where the sums
// are would take 64-bit products of all of them at once: more registers than there are.
template <int T>
__device__ void add_quarters(const Place<T>& place, const Sums<T>& sums,
                             std::int32_t (&quarter)[T][T], long long (&pairs)[T * T]) {
  constexpr int groups = Shape<T>::groups;
  const int own = (place.first_row >= T ? 2 : 0) + (place.first_column >= T ? 1 : 0);
#pragma unroll 1
  for (int turn = 0; turn < 4 * groups; ++turn) {
    if (turn == own * groups + place.group) store_quarter<T>(place, sums, quarter);
    __syncthreads();
    const int lows = __popc(static_cast<unsigned>(turn / groups));
    const long long weight = 1LL << (14 - 7 * lows);
    for (int k = static_cast<int>(threadIdx.x); k < T * T; k += Shape<T>::threads) {
      pairs[k] = (turn == 0 ? 0 : pairs[k]) + weight * quarter[k / T][k % T];
    }
    __syncthreads();
  }
}

// grid: tiles of the triangle, parts of a block, blocks.
template <int T>
__global__ void __launch_bounds__(Shape<T>::threads, 2) gram_kernel(DeviceBlocks blocks) {
  union Shared {
    struct {
      Stage<T> left[2];
      Stage<T> right[2];
    } stages;
    struct {
      long long pairs[T * T];
      std::int32_t quarter[T][T];
    } result;
  };
  __shared__ __align__(16) unsigned char memory[sizeof(Shared)];
  Shared& shared = *reinterpret_cast<Shared*>(memory);
  const Tile tile = tile_at(static_cast<int>(blockIdx.x));
  const std::size_t left_in_block = blocks.count - std::size_t{blockIdx.z} * kBlockSize;
  const std::size_t part = kBlockSize / gridDim.y;
  const std::size_t begin = blockIdx.y * part;
  const std::size_t end = left_in_block < begin + part ? left_in_block : begin + part;
  const int steps =
      begin < end ? static_cast<int>((end - begin + kStageBytes - 1) / kStageBytes) : 0;
  const auto copy = [&](int step) {
    const std::size_t coordinate = begin + static_cast<std::size_t>(step) * kStageBytes;
    copy_stage<T>(blocks, tile.i * T, coordinate, shared.stages.left[step % 2]);
    if (tile.i != tile.j) {
      copy_stage<T>(blocks, tile.j * T, coordinate, shared.stages.right[step % 2]);
    }
    __pipeline_commit();
  };
  const Place<T> place;
  Sums<T> sums{};
  if (steps > 0) copy(0);
  for (int step = 0; step < steps; ++step) {
    if (step + 1 < steps) copy(step + 1);
    __pipeline_wait_prior(step + 1 < steps ? 1 : 0);
    __syncthreads();
    const auto& left = shared.stages.left[step % 2];
    multiply_stage<T>(place, left, tile.i == tile.j ? left : shared.stages.right[step % 2], sums);
    __syncthreads();
  }
  add_quarters<T>(place, sums, shared.result.quarter, shared.result.pairs);
  const auto n = static_cast<std::size_t>(blocks.n);
  long long* to = blocks.sums + (std::size_t{blockIdx.z} * gridDim.y + blockIdx.y) * n * n;
  for (int k = static_cast<int>(threadIdx.x); k < T * T; k += Shape<T>::threads) {
    const std::size_t i = static_cast<std::size_t>(tile.i * T + k / T);
    const std::size_t j = static_cast<std::size_t>(tile.j * T + k % T);
    if (i < n && j <= i) to[i * n + j] = shared.result.pairs[k];
  }
}

template <int T>
cudaError_t start_gram(const DeviceBlocks& blocks, cudaStream_t stream) {
  const unsigned tiles = (static_cast<unsigned>(blocks.n) + T - 1) / T;
  const dim3 grid(tiles * (tiles + 1) / 2, static_cast<unsigned>(blocks.parts()),
                  static_cast<unsigned>(blocks_of(blocks.count)));
  return start(gram_kernel<T>, grid, Shape<T>::threads, stream, blocks);
}

}  // namespace

cudaError_t launch_gram(const DeviceBlocks& blocks, cudaStream_t stream) {
  if (blocks.n <= 16) return start_gram<16>(blocks, stream);
  if (blocks.n <= 32) return start_gram<32>(blocks, stream);
  return start_gram<64>(blocks, stream);
}

}  // namespace gradmint::kernels::cuda
