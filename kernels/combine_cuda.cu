// Weighted mean and median on the GPU, with the optimizer's step fused: the same rules as the CPU,
// one coordinate at a time. Compiled with --fmad=false; fp32 division and denormals are nvcc's
// exact defaults.
//
// Mean: four coordinates a thread with 16-byte loads and stores, updates in turn; dense encodings
// are decoded as they are read. Median up to 64 updates: one coordinate a thread, its keys in
// registers through the network; more: bisection, which reads the keys again for each of its 32
// bits. Bound, expected: memory for the mean; not yet measured on a GPU.
#include "kernels/combine_cuda.h"
#include "kernels/decode_cuda.h"
#include "kernels/median_rule.h"

namespace gradmint::kernels::cuda {
namespace {

// Four coordinates of update i, and one.
template <EncodingKind Kind>
__device__ void load_four(const DevicePass& pass, int i, std::size_t first, float (&values)[4]) {
  if constexpr (Kind == EncodingKind::fp32) {
    load_values(pass.rows[i] + first, values);
  } else {
    decode_four<Kind>(pass.encoded.values[i], pass.encoded.exponents[i], first, values);
  }
}
template <EncodingKind Kind>
__device__ float load_one(const DevicePass& pass, int i, std::size_t c) {
  if constexpr (Kind == EncodingKind::fp32) return pass.rows[i][c];
  return decoded_value<Kind>(pass.encoded.values[i], pass.encoded.exponents[i], c);
}

template <EncodingKind Kind>
__global__ void __launch_bounds__(kThreads, 4) mean_kernel(DevicePass pass) {
  const std::size_t first = (std::size_t{blockIdx.x} * kThreads + threadIdx.x) * 4;
  std::int32_t largest_input = 0;
  std::int32_t largest_output = 0;
  if (first + 4 <= pass.count) {
    std::uint64_t sums[4] = {0, 0, 0, 0};
#pragma unroll 4
    for (int i = 0; i < pass.n; ++i) {
      float values[4];
      load_four<Kind>(pass, i, first, values);
      const double factor = pass.factors[i];
      for (int k = 0; k < 4; ++k) {
        largest_input = larger(largest_input, magnitude<L>(values[k]));
        sums[k] += biased_term<L>(values[k], factor);
      }
    }
    float deltas[4];
    for (int k = 0; k < 4; ++k) deltas[k] = finish_mean<L>(sums[k], pass.finish);
    largest_output = apply_steps(pass, first, deltas);
  } else {
    for (std::size_t c = first; c < pass.count; ++c) {
      std::uint64_t sum = 0;
      for (int i = 0; i < pass.n; ++i) {
        const float x = load_one<Kind>(pass, i, c);
        largest_input = larger(largest_input, magnitude<L>(x));
        sum += biased_term<L>(x, pass.factors[i]);
      }
      largest_output =
          larger(largest_output, apply_step(pass, c, finish_mean<L>(sum, pass.finish)));
    }
  }
  grow(pass.report, largest_input);
  grow(pass.report + 1, largest_output);
}

// What both medians do once the two middle values are known. Every thread of the warp comes here.
__device__ void finish_median(const DevicePass& pass, std::size_t c, bool inside,
                              std::int32_t lower, std::int32_t upper, std::int32_t largest_input) {
  const float low = value_of<L>(lower);
  const float high = value_of<L>(upper);
  finish_order(pass, c, inside, middle_mean<L>(low, high), low, high, largest_input);
}

template <int P>
__global__ void __launch_bounds__(kThreads) network_kernel(DevicePass pass, int first) {
  const std::size_t c = std::size_t{blockIdx.x} * kThreads + threadIdx.x;
  const bool inside = c < pass.count;
  std::int32_t largest_input = 0;
  std::int32_t keys[P];
#pragma unroll
  for (int i = 0; i < P; ++i) {
    // The largest finite values pad, as on the CPU.
    float x = i < first ? -3.402823466e38f : 3.402823466e38f;
    if (inside && i >= first && i < first + pass.n) {
      x = value_at(pass, i - first, c, largest_input);
    }
    keys[i] = key_of<L>(x);
  }
  order_middle<P>(keys);
  const std::int32_t lower = keys[P / 2 - 1];
  finish_median(pass, c, inside, lower, pass.n % 2 == 0 ? keys[P / 2] : lower, largest_input);
}

__global__ void __launch_bounds__(kThreads) bisect_kernel(DevicePass pass) {
  const std::size_t c = std::size_t{blockIdx.x} * kThreads + threadIdx.x;
  const bool inside = c < pass.count;
  std::int32_t lower = 0;
  std::int32_t upper = 0;
  std::int32_t largest_input = 0;
  if (inside) {
    const KeyAt key_at{pass, c};
    for (int i = 0; i < pass.n; ++i) value_at(pass, i, c, largest_input);
    bisect_middle<L>(pass.n, key_at, lower, upper);
  }
  finish_median(pass, c, inside, lower, upper, largest_input);
}

}  // namespace

cudaError_t launch_mean(const DevicePass& pass, cudaStream_t stream) {
  if (pass.count == 0) return cudaSuccess;
  const unsigned grid = grid_of((pass.count + 3) / 4);
  switch (pass.encoded.kind) {
    case EncodingKind::fp32:
      return start(mean_kernel<EncodingKind::fp32>, grid, kThreads, stream, pass);
    case EncodingKind::bf16:
      return start(mean_kernel<EncodingKind::bf16>, grid, kThreads, stream, pass);
    case EncodingKind::fp16:
      return start(mean_kernel<EncodingKind::fp16>, grid, kThreads, stream, pass);
    case EncodingKind::int8:
      return start(mean_kernel<EncodingKind::int8>, grid, kThreads, stream, pass);
    case EncodingKind::int4:
      return start(mean_kernel<EncodingKind::int4>, grid, kThreads, stream, pass);
    case EncodingKind::top_k:
      break;
  }
  return cudaErrorInvalidValue;
}

cudaError_t launch_median(const DevicePass& pass, cudaStream_t stream) {
  if (pass.count == 0) return cudaSuccess;
  const unsigned grid = grid_of(pass.count);
  if (pass.n > kLargestNetwork) {
    return start(bisect_kernel, grid, kThreads, stream, pass);
  }
  const int first = padding_below(pass.n);
  switch (network_width(pass.n)) {
    case 4:
      return start(network_kernel<4>, grid, kThreads, stream, pass, first);
    case 8:
      return start(network_kernel<8>, grid, kThreads, stream, pass, first);
    case 16:
      return start(network_kernel<16>, grid, kThreads, stream, pass, first);
    case 32:
      return start(network_kernel<32>, grid, kThreads, stream, pass, first);
    default:
      return start(network_kernel<64>, grid, kThreads, stream, pass, first);
  }
}

}  // namespace gradmint::kernels::cuda
