// The CPU tile functions of one instruction set. Compiled three times (kernels/CMakeLists.txt),
// with GRADMINT_LEVEL_SCALAR, _AVX2 or _AVX512 defined and the matching -m flags, from the same
// rules.
//
// No standard library function that could be left out of line is called here: see lanes.h.
//
// Autovectorisation is not relied upon: the rules are written over vector types.
#include "kernels/cpu_kernels.h"

#include "kernels/cpu_dot.h"
#include "kernels/cpu_lanes.h"
#include "kernels/cpu_mean.h"
#include "kernels/cpu_median.h"
#include "kernels/cpu_sorted.h"
#include "kernels/cpu_step.h"

namespace gradmint::kernels {
namespace {

std::int32_t largest_magnitude(const float* values, std::size_t count) {
  using L = Narrow;
  auto largest = L::all(std::int32_t{0});
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        largest = larger(largest, magnitude<L>(access.template load<L::F32>(values + c)));
      });
  return largest_lane<L>(largest);
}

void canonicalise(float* values, std::size_t count) {
  using L = Narrow;
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        access.store(values + c, canonical(access.template load<L::F32>(values + c)));
      });
}

std::int32_t scale(const float* in, double factor, std::size_t count, float* out) {
  using L = Wide;
  auto largest = L::all(std::int32_t{0});
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        const auto x = access.template load<L::F32>(in + c);
        largest = larger(largest, magnitude<L>(x));
        access.store(out + c, scaled_value<L>(x, factor));
      });
  return largest_lane<L>(largest);
}

// Reads the block twice, the second time from the first-level cache, and asks for half of the next
// one in each.
std::int32_t quantise(const float* values, std::size_t count, std::uintptr_t next,
                      std::int16_t* integers, int* shift) {
  using L = Narrow;
  auto most = L::all(std::int32_t{0});
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        if (c % 32 == 0) ask_for(next + c / 2 * sizeof(float));
        most = larger(most, magnitude<L>(access.template load<L::F32>(values + c)));
      });
  const std::int32_t largest = largest_lane<L>(most);
  *shift = block_shift(largest);
  const BlockScale scales = block_scale(*shift);
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        if (c % 32 == 0) ask_for(next + (count + c) / 2 * sizeof(float));
        const auto q = block_value<L>(access.template load<L::F32>(values + c), scales);
        access.store(integers + c, narrow_block(q));
      });
  for (std::size_t c = count; c % 128 != 0; ++c) integers[c] = 0;
  return largest;
}

std::int64_t square_difference(const float* a, double factor_a, const float* b, double factor_b,
                               std::size_t count, int* shift) {
  using L = Wide;
  L::I64 largest{};
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        const auto d = L::widen(access.template load<L::F32>(a + c)) * factor_a -
                       L::widen(access.template load<L::F32>(b + c)) * factor_b;
        largest = larger(largest, bit_copy<L::I64>(d) & std::int64_t{0x7fffffffffffffff});
      });
  std::int64_t lanes[L::width];
  const auto tops = in_register(largest);  // a copy: largest_lane says why
  memcpy(lanes, &tops, sizeof lanes);
  std::int64_t top = lanes[0];
  for (int i = 1; i < L::width; ++i) top = larger(top, lanes[i]);
  *shift = difference_shift(top);
  const double unit = power_of_two(*shift);
  L::F64 sum{};
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        const auto d = L::widen(access.template load<L::F32>(a + c)) * factor_a -
                       L::widen(access.template load<L::F32>(b + c)) * factor_b;
        const auto q = difference_value<L>(d, unit);
        sum = sum + q * q;
      });
  double parts[L::width];
  const auto sums = in_register(sum);
  memcpy(parts, &sums, sizeof parts);
  std::int64_t total = 0;
  for (int i = 0; i < L::width; ++i) total += static_cast<std::int64_t>(parts[i]);
  return total;
}

}  // namespace

#if defined(GRADMINT_LEVEL_AVX512)
constexpr const CpuDecoders* kDecoders = &kAvx512Decoders;
constexpr const CpuEncoders* kEncoders = &kAvx512Encoders;
const CpuKernels kAvx512Kernels = {
#elif defined(GRADMINT_LEVEL_AVX2)
constexpr const CpuDecoders* kDecoders = &kAvx2Decoders;
constexpr const CpuEncoders* kEncoders = &kAvx2Encoders;
const CpuKernels kAvx2Kernels = {
#else
constexpr const CpuDecoders* kDecoders = &kScalarDecoders;
constexpr const CpuEncoders* kEncoders = &kScalarEncoders;
const CpuKernels kScalarKernels = {
#endif
    largest_magnitude,
    canonicalise,
    accumulate,
    finish,
    finish_rest,
    scale,
    middle,
    mean_of_middle,
    kept_mean<false>,
    kept_mean<true>,
    count_outside,
    step,
    quantise,
    dot_rows,
    square_difference,
    kDecoders,
    kEncoders};

}  // namespace gradmint::kernels
