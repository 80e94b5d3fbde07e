// Writing updates in an encoding on the GPU, by the rules of encode_rule.h: the values are read
// once, and their bits and what is lost are written.
//
// fp32, bf16, fp16: four coordinates a thread. int8, int4: a warp a block of 256, eight values a
// lane, which stay in registers between the search for the largest and the rounding. top_k: 256
// threads a record, 16 neighbouring values each, which stay in registers while the bound is halved
// (one barrier a halving, over two sets of counts in turn), and a prefix sum that gives what is
// kept its place. Bound, expected: memory, but for top_k the halvings, about 40 instructions a
// value. ptxas for sm_90: see tests/kernels/check_ptx.cmake for the budget. Not yet measured on a
// GPU.
#include "kernels/cuda_launch.h"
#include "kernels/cuda_passes.h"
#include "kernels/cuda_warp.h"
#include "kernels/decode_rule.h"
#include "kernels/encode_rule.h"

namespace gradmint::kernels::cuda {
namespace {

using L = Lanes<1>;
constexpr unsigned kThreads = 256;
constexpr unsigned kWarps = kThreads / 32;
constexpr int kEach = kTopKBlock / kThreads;  // values of a record in each thread
static_assert(kEach == 16);

// --- values in, what is lost out ----------------------------------------------------------------

// Four coordinates from a multiple of four on; zeros behind the end.
__device__ void read_four(const DeviceEncode& pass, std::size_t first, float (&x)[4]) {
  if (first + 4 <= pass.count) {
    const float4 value = *reinterpret_cast<const float4*>(pass.values + first);
    float4 carried = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    if (pass.carried != nullptr) carried = *reinterpret_cast<const float4*>(pass.carried + first);
    x[0] = value_to_encode<L>(value.x, carried.x);
    x[1] = value_to_encode<L>(value.y, carried.y);
    x[2] = value_to_encode<L>(value.z, carried.z);
    x[3] = value_to_encode<L>(value.w, carried.w);
    return;
  }
#pragma unroll
  for (std::size_t k = 0; k < 4; ++k) {
    x[k] = 0.0f;
    if (first + k >= pass.count) continue;
    const float carried = pass.carried == nullptr ? 0.0f : pass.carried[first + k];
    x[k] = value_to_encode<L>(pass.values[first + k], carried);
  }
}

__device__ void write_four(const DeviceEncode& pass, float* to, std::size_t first,
                           const float (&x)[4]) {
  if (first + 4 <= pass.count) {
    *reinterpret_cast<float4*>(to + first) = make_float4(x[0], x[1], x[2], x[3]);
    return;
  }
#pragma unroll
  for (std::size_t k = 0; k < 4; ++k) {
    if (first + k < pass.count) to[first + k] = x[k];
  }
}

// The lowest place wins, whichever thread comes first.
__device__ void refuse(const DeviceEncode& pass, unsigned long long* place, std::size_t c) {
  atomicMin(place, static_cast<unsigned long long>(pass.begin + c));
}

__device__ void check_each(const DeviceEncode& pass, std::size_t first, const float (&x)[4],
                           std::int32_t limit) {
#pragma unroll
  for (std::size_t k = 0; k < 4; ++k) {
    const std::int32_t size = magnitude<L>(x[k]);
    if (size < limit) continue;
    const bool finite = size < kInfinityMagnitude;
    refuse(pass, finite ? &pass.report->too_large : &pass.report->not_finite, first + k);
  }
}

// --- fp32, bf16 and fp16 ------------------------------------------------------------------------

template <EncodingKind Kind>
__global__ void __launch_bounds__(kThreads) each_kernel(DeviceEncode pass) {
  const std::size_t first = (std::size_t{blockIdx.x} * kThreads + threadIdx.x) * 4;
  if (first >= pass.count) return;
  float x[4];
  read_four(pass, first, x);
  check_each(pass, first, x, unencodable_magnitude(Kind));
  if constexpr (Kind == EncodingKind::fp32) {
    write_four(pass, reinterpret_cast<float*>(pass.bytes), first, x);
  } else {
    const bool brain = Kind == EncodingKind::bf16;
    auto* halves = reinterpret_cast<std::uint16_t*>(pass.bytes) + first;
    std::uint16_t bits[4];
    float lost[4];
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const std::int32_t half = brain ? bf16_bits<L>(x[k]) : fp16_bits<L>(x[k]);
      bits[k] = static_cast<std::uint16_t>(half);
      lost[k] = lost_of<L>(x[k], brain ? bf16_value<L>(half) : fp16_value<L>(half));
    }
    if (first + 4 <= pass.count) {
      *reinterpret_cast<ushort4*>(halves) = make_ushort4(bits[0], bits[1], bits[2], bits[3]);
    } else {
#pragma unroll
      for (std::size_t k = 0; k < 4; ++k) {
        if (first + k < pass.count) halves[k] = bits[k];
      }
    }
    write_four(pass, pass.residual, first, lost);
  }
}

// --- int8 and int4 ------------------------------------------------------------------------------

// Four integers of a block. Behind the end they are 0, which is what int4's last byte needs.
template <bool Four>
__device__ void write_integers(const DeviceEncode& pass, std::size_t first,
                               const std::int32_t (&q)[4]) {
  if constexpr (Four) {
#pragma unroll
    for (std::size_t k = 0; k < 4; k += 2) {
      if (first + k >= pass.count) continue;
      pass.bytes[(first + k) / 2] = static_cast<std::byte>((q[k] & 15) | (q[k + 1] & 15) << 4);
    }
  } else {
    if (first + 4 <= pass.count) {
      *reinterpret_cast<char4*>(pass.bytes + first) =
          make_char4(static_cast<signed char>(q[0]), static_cast<signed char>(q[1]),
                     static_cast<signed char>(q[2]), static_cast<signed char>(q[3]));
      return;
    }
#pragma unroll
    for (std::size_t k = 0; k < 4; ++k) {
      if (first + k < pass.count) pass.bytes[first + k] = static_cast<std::byte>(q[k]);
    }
  }
}

template <bool Four>
__global__ void __launch_bounds__(kThreads) integers_kernel(DeviceEncode pass) {
  constexpr EncodingKind kKind = Four ? EncodingKind::int4 : EncodingKind::int8;
  const std::size_t block = std::size_t{blockIdx.x} * kWarps + threadIdx.x / 32;
  const unsigned lane = threadIdx.x % 32;
  if (block * kIntegerBlock >= pass.count) return;  // the whole warp
  const std::size_t first[2] = {block * kIntegerBlock + 4 * lane,
                                block * kIntegerBlock + 4 * lane + kIntegerBlock / 2};
  float x[2][4];
  std::int32_t largest = 0;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    read_four(pass, first[half], x[half]);
#pragma unroll
    for (int k = 0; k < 4; ++k) largest = larger(largest, magnitude<L>(x[half][k]));
  }
  largest = warp_largest(largest);
  if (largest >= unencodable_magnitude(kKind)) {
    // The block's first largest value, or the first that is not finite.
    const std::int32_t least = smaller(largest, kInfinityMagnitude);
    check_each(pass, first[0], x[0], least);
    check_each(pass, first[1], x[1], least);
    return;
  }
  const int exponent = block_exponent(largest, Four);
  if (lane == 0) pass.exponents[block] = static_cast<std::byte>(exponent);
  const float inverse = inverse_block_unit(exponent);
  const float unit = block_unit(exponent);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    std::int32_t q[4];
    float lost[4];
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      q[k] = integer_bits<L>(x[half][k], inverse);
      lost[k] = lost_of<L>(x[half][k], integer_value<L>(q[k], unit));
    }
    write_integers<Four>(pass, first[half], q);
    write_four(pass, pass.residual, first[half], lost);
  }
}

// --- top_k --------------------------------------------------------------------------------------

// What the warps of a block of threads tell each other; turn by turn the other set, so that one
// barrier a turn is enough.
struct WarpNotes {
  std::int32_t values[2][kWarps];
  // Each warp's `own` (lane 0's) is seen by all threads.
  __device__ const std::int32_t* tell(int& turn, std::int32_t own) {
    turn ^= 1;
    if (threadIdx.x % 32 == 0) values[turn][threadIdx.x / 32] = own;
    __syncthreads();
    return values[turn];
  }
};

__device__ std::int32_t block_largest(WarpNotes& notes, int& turn, const float (&x)[kEach]) {
  std::int32_t own = 0;
#pragma unroll
  for (int i = 0; i < kEach; ++i) own = larger(own, magnitude<L>(x[i]));
  const std::int32_t* told = notes.tell(turn, warp_largest(own));
  std::int32_t largest = 0;
#pragma unroll
  for (unsigned warp = 0; warp < kWarps; ++warp) largest = larger(largest, told[warp]);
  return largest;
}

// A bound that `kept` magnitudes of the block reach, or the largest that more do. The zeros behind
// the end reach no bound above 0.
__device__ std::int32_t block_bound(WarpNotes& notes, int& turn, const float (&x)[kEach],
                                    std::int32_t inside, std::int32_t kept, std::int32_t largest) {
  std::int32_t low = 0;
  std::int32_t high = largest + 1;
  std::int32_t reached = inside;
  while (high - low > 1 && reached > kept) {
    const std::int32_t middle = low + (high - low) / 2;
    std::int32_t own = 0;
#pragma unroll
    for (int i = 0; i < kEach; ++i) own += magnitude<L>(x[i]) >= middle ? 1 : 0;
    const std::int32_t* told = notes.tell(turn, warp_sum(own));
    std::int32_t count = 0;
#pragma unroll
    for (unsigned warp = 0; warp < kWarps; ++warp) count += told[warp];
    if (count >= kept) {
      low = middle;
      reached = count;
    } else {
      high = middle;
    }
  }
  return low;
}

// The sum of `own` over the threads before this one, and over all of them.
struct Prefix {
  std::int32_t before = 0;
  std::int32_t total = 0;
};
__device__ Prefix block_prefix(WarpNotes& notes, int& turn, std::int32_t own) {
  const unsigned lane = threadIdx.x % 32;
  std::int32_t sum = own;
  for (unsigned apart = 1; apart < 32; apart *= 2) {
    const std::int32_t below = __shfl_up_sync(kAllLanes, sum, apart);
    if (lane >= apart) sum += below;
  }
  const std::int32_t warp_total = __shfl_sync(kAllLanes, sum, 31);
  const std::int32_t* told = notes.tell(turn, warp_total);
  Prefix prefix{sum - own, 0};
#pragma unroll
  for (unsigned warp = 0; warp < kWarps; ++warp) {
    if (warp < threadIdx.x / 32) prefix.before += told[warp];
    prefix.total += told[warp];
  }
  return prefix;
}

__device__ void write_bytes(std::byte* to, std::uint32_t bits, int size) {
  for (int byte = 0; byte < size; ++byte) to[byte] = static_cast<std::byte>(bits >> (8 * byte));
}

// Of the values of this thread those that are kept: to their places, and out of what is lost.
__device__ void take_kept(float (&x)[kEach], std::int32_t bound, std::int32_t above_before,
                          std::int32_t equal_before, std::int32_t equal_kept, std::uint16_t* places,
                          std::byte* values) {
  std::int32_t rank = above_before + smaller(equal_before, equal_kept);
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const std::int32_t size = magnitude<L>(x[i]);
    const bool is_kept = size > bound || (size == bound && equal_before < equal_kept);
    if (size == bound) ++equal_before;
    if (!is_kept) continue;
    places[rank] = static_cast<std::uint16_t>(threadIdx.x * kEach + static_cast<unsigned>(i));
    write_bytes(values + 4 * rank, bit_copy<std::uint32_t>(x[i]), 4);
    x[i] = 0.0f;
    ++rank;
  }
}

// One block of threads a record.
__global__ void __launch_bounds__(kThreads) kept_kernel(DeviceEncode pass) {
  __shared__ WarpNotes notes;
  __shared__ std::uint16_t places[kTopKBlock];
  const std::size_t begin = std::size_t{blockIdx.x} * kTopKBlock;
  const std::size_t left = pass.count - begin;
  const auto inside = static_cast<std::int32_t>(left < kTopKBlock ? left : kTopKBlock);
  const std::int32_t kept = smaller(static_cast<std::int32_t>(pass.encoding.keep), inside);
  const std::size_t first = begin + std::size_t{threadIdx.x} * kEach;
  float x[kEach];
#pragma unroll
  for (int i = 0; i < kEach; i += 4) {
    float four[4];
    read_four(pass, first + static_cast<std::size_t>(i), four);
    check_each(pass, first + static_cast<std::size_t>(i), four, kInfinityMagnitude);
#pragma unroll
    for (int k = 0; k < 4; ++k) x[i + k] = four[k];
  }
  int turn = 0;
  const std::int32_t largest = block_largest(notes, turn, x);
  if (largest >= kInfinityMagnitude) return;  // every thread
  const std::int32_t bound = block_bound(notes, turn, x, inside, kept, largest);
  std::int32_t own = 0;  // above the bound in the upper half, on it in the lower
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const std::int32_t size = magnitude<L>(x[i]);
    own += size > bound ? 1 << 16 : size == bound ? 1 : 0;
  }
  const Prefix prefix = block_prefix(notes, turn, own);
  std::byte* const record = pass.bytes + blockIdx.x * record_bytes(pass.encoding.keep);
  const auto size = static_cast<std::uint64_t>(kept);
  take_kept(x, bound, prefix.before >> 16, prefix.before & 0xffff, kept - (prefix.total >> 16),
            places, record + index_bytes(size));
#pragma unroll
  for (int i = 0; i < kEach; i += 4) {
    const float four[4] = {x[i], x[i + 1], x[i + 2], x[i + 3]};
    write_four(pass, pass.residual, first + static_cast<std::size_t>(i), four);
  }
  __syncthreads();
  // Two places share three bytes.
  const auto pairs = static_cast<unsigned>(kept + 1) / 2;
  for (unsigned pair = threadIdx.x; pair < pairs; pair += kThreads) {
    const bool both = 2 * pair + 1 < static_cast<unsigned>(kept);
    std::uint32_t bits = places[2 * pair];
    if (both) bits |= std::uint32_t{places[2 * pair + 1]} << 12;
    write_bytes(record + 3 * pair, bits, both ? 3 : 2);
  }
}

unsigned grid_of(std::size_t count, std::size_t each) {
  return static_cast<unsigned>((count + each - 1) / each);
}

}  // namespace

cudaError_t launch_encode(const DeviceEncode& pass, cudaStream_t stream) {
  if (pass.count == 0) return cudaSuccess;
  const unsigned fours = grid_of(pass.count, 4 * kThreads);
  const unsigned blocks = grid_of(pass.count, kWarps * kIntegerBlock);
  switch (pass.encoding.kind) {
    case EncodingKind::fp32:
      return start(each_kernel<EncodingKind::fp32>, fours, kThreads, stream, pass);
    case EncodingKind::bf16:
      return start(each_kernel<EncodingKind::bf16>, fours, kThreads, stream, pass);
    case EncodingKind::fp16:
      return start(each_kernel<EncodingKind::fp16>, fours, kThreads, stream, pass);
    case EncodingKind::int8:
      return start(integers_kernel<false>, blocks, kThreads, stream, pass);
    case EncodingKind::int4:
      return start(integers_kernel<true>, blocks, kThreads, stream, pass);
    case EncodingKind::top_k:
      break;
  }
  return start(kept_kernel, grid_of(pass.count, kTopKBlock), kThreads, stream, pass);
}

}  // namespace gradmint::kernels::cuda
