// Trimmed mean and nearest-to-median on the GPU (sorted_rule.h), with the optimizer's step fused:
// one coordinate a thread. Compiled with --fmad=false.
//
// Up to 64 updates: the whole network over keys in registers. The trimmed mean then adds what it
// keeps under conditions that are the same for all threads, so every key keeps its register. The
// window's places depend on the data, so there the sorted values are laid out in shared memory, a
// column a thread (no bank conflicts). More updates: bisection, which reads the updates again for
// each bit. Bound, expected: memory up to 32 updates, the network's exchanges and the registers for
// 64 (80 of them), the caches beyond. Not yet measured on a GPU.
#include "kernels/combine_cuda.h"
#include "kernels/sorted_rule.h"

namespace gradmint::kernels::cuda {
namespace {

// Small enough that 64 sorted values a thread fit the 48 KiB every GPU gives a block.
constexpr unsigned kWindowThreads = 128;

template <int P>
__device__ std::int32_t load_sorted(const DevicePass& pass, std::size_t c, bool inside,
                                    std::int32_t (&keys)[P]) {
  std::int32_t largest_input = 0;
#pragma unroll
  for (int i = 0; i < P; ++i) {
    float x = 3.402823466e38f;
    if (inside && i < pass.n) x = value_at(pass, i, c, largest_input);
    keys[i] = key_of<L>(x);
  }
  sort_all<P>(keys);
  return largest_input;
}

template <int P>
__global__ void __launch_bounds__(kThreads) trimmed_network_kernel(DevicePass pass) {
  const std::size_t c = std::size_t{blockIdx.x} * kThreads + threadIdx.x;
  const bool inside = c < pass.count;
  std::int32_t keys[P];
  const std::int32_t largest_input = load_sorted<P>(pass, c, inside, keys);
  const int last = pass.n - 1 - pass.dropped;
  std::uint64_t sum = 0;
  // The ends by comparison: choosing them by place would put the keys in memory.
  std::int32_t low = 0x7fffffff;
  std::int32_t high = -0x7fffffff;
#pragma unroll
  for (int place = 0; place < P; ++place) {
    if (place < pass.dropped || place > last) continue;
    low = smaller(low, keys[place]);
    high = larger(high, keys[place]);
    sum += biased_term<L>(value_of<L>(keys[place]), pass.unit);
  }
  finish_order(pass, c, inside, finish_mean<L>(sum, pass.finish), value_of<L>(low),
               value_of<L>(high), largest_input);
}

// The sorted values of one thread, where the block's lie side by side.
struct SortedColumn {
  const float* values;
  __device__ float operator()(int place) const {
    return values[static_cast<unsigned>(place) * kWindowThreads];
  }
};

template <int P>
__global__ void __launch_bounds__(kWindowThreads) nearest_network_kernel(DevicePass pass) {
  __shared__ float sorted[P][kWindowThreads];
  const std::size_t c = std::size_t{blockIdx.x} * kWindowThreads + threadIdx.x;
  const bool inside = c < pass.count;
  std::int32_t keys[P];
  const std::int32_t largest_input = load_sorted<P>(pass, c, inside, keys);
#pragma unroll
  for (int place = 0; place < P; ++place) sorted[place][threadIdx.x] = value_of<L>(keys[place]);
  // Each thread reads its own column alone: nothing to wait for.
  const SortedColumn column{&sorted[0][threadIdx.x]};
  const Kept<L> kept = keep_nearest<L>(pass.n, pass.kept, pass.unit, column);
  finish_order(pass, c, inside, finish_mean<L>(kept.sum, pass.finish), kept.lowest, kept.highest,
               largest_input);
}

template <bool kNearest>
__global__ void __launch_bounds__(kThreads) bisected_kept_kernel(DevicePass pass) {
  const std::size_t c = std::size_t{blockIdx.x} * kThreads + threadIdx.x;
  const bool inside = c < pass.count;
  std::int32_t largest_input = 0;
  KeptRange<L> range{};
  float delta = 0;
  if (inside) {
    const KeyAt key_at{pass, c};
    for (int i = 0; i < pass.n; ++i) value_at(pass, i, c, largest_input);
    if constexpr (kNearest) {
      range = nearest_range<L>(pass.n, pass.kept, key_at);
    } else {
      range = trimmed_range<L>(pass.n, pass.dropped, key_at);
    }
    const std::uint64_t sum = sum_within<L>(pass.n, pass.kept, range, pass.unit, key_at);
    delta = finish_mean<L>(sum, pass.finish);
  }
  finish_order(pass, c, inside, delta, range.lowest, range.highest, largest_input);
}

template <int P>
cudaError_t start_network(const DevicePass& pass, bool nearest, cudaStream_t stream) {
  if (!nearest) {
    return start(trimmed_network_kernel<P>, grid_of(pass.count), kThreads, stream, pass);
  }
  const auto grid = static_cast<unsigned>((pass.count + kWindowThreads - 1) / kWindowThreads);
  return start(nearest_network_kernel<P>, grid, kWindowThreads, stream, pass);
}

cudaError_t launch(const DevicePass& pass, bool nearest, cudaStream_t stream) {
  if (pass.count == 0) return cudaSuccess;
  if (pass.n > kLargestNetwork) {
    return start(nearest ? bisected_kept_kernel<true> : bisected_kept_kernel<false>,
                 grid_of(pass.count), kThreads, stream, pass);
  }
  switch (network_width(pass.n)) {
    case 4:
      return start_network<4>(pass, nearest, stream);
    case 8:
      return start_network<8>(pass, nearest, stream);
    case 16:
      return start_network<16>(pass, nearest, stream);
    case 32:
      return start_network<32>(pass, nearest, stream);
    default:
      return start_network<64>(pass, nearest, stream);
  }
}

}  // namespace

cudaError_t launch_trimmed_mean(const DevicePass& pass, cudaStream_t stream) {
  return launch(pass, false, stream);
}

cudaError_t launch_nearest_to_median(const DevicePass& pass, cudaStream_t stream) {
  return launch(pass, true, stream);
}

}  // namespace gradmint::kernels::cuda
