// The CPU tile functions of one instruction set. Compiled three times (kernels/CMakeLists.txt),
// with GRADMINT_LEVEL_SCALAR, _AVX2 or _AVX512 defined and the matching -m flags, from the same
// rules.
//
// No standard library function that could be left out of line is called here: see lanes.h.
//
// Autovectorisation is not relied upon: the rules are written over vector types.
#include "kernels/cpu_dot.h"
#include "kernels/cpu_kernels.h"
#include "kernels/cpu_lanes.h"
#include "kernels/cpu_step.h"
#include "kernels/median_rule.h"

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

// Rows at once: each pass over the tile's sums adds this many updates.
template <int Rows>
GRADMINT_RULE Wide::I32 accumulate_rows(const float* const* rows, const double* factors,
                                        std::size_t count, std::uint64_t* sums, Wide::I32 largest) {
  using L = Wide;
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        auto sum = load_all<L::U64>(sums + c);
        for (int r = 0; r < Rows; ++r) {
          const auto x = access.template load<L::F32>(rows[r] + c);
          largest = larger(largest, magnitude<L>(x));
          sum = sum + biased_term<L>(x, factors[r]);
        }
        Whole{}.store(sums + c, sum);
      });
  return largest;
}

std::int32_t accumulate(const float* const* rows, const double* factors, std::size_t n,
                        std::size_t count, std::uint64_t* sums) {
  auto largest = Wide::all(std::int32_t{0});
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    largest = accumulate_rows<4>(rows + i, factors + i, count, sums, largest);
  }
  for (; i < n; ++i) largest = accumulate_rows<1>(rows + i, factors + i, count, sums, largest);
  return largest_lane<Wide>(largest);
}

void finish(const std::uint64_t* sums, std::size_t count, const MeanFinish& how, float* delta) {
  using L = Wide;
  for (std::size_t c = 0; c < count; c += L::width) {
    Whole{}.store(delta + c, finish_mean<L>(load_all<L::U64>(sums + c), how));
  }
}

void scale(const float* in, double factor, std::size_t count, float* out) {
  using L = Wide;
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        access.store(out + c, scaled_value<L>(access.template load<L::F32>(in + c), factor));
      });
}

// Padding is a row of its own, read like the others, so that loading needs no branch. The largest
// finite values serve as well as infinities: what ties with them is equal to them.
struct PaddingRow {
  float values[kMedianTile];
  constexpr explicit PaddingRow(float value) : values{} {
    for (float& each : values) each = value;
  }
};
constexpr PaddingRow kBelow(-__FLT_MAX__);
constexpr PaddingRow kAbove(__FLT_MAX__);

template <int P>
std::int32_t network_middle(const float* const* rows, std::size_t n, std::size_t count,
                            float* lower, float* upper) {
  using L = Narrow;
  const float* padded[P];
  const std::size_t first = static_cast<std::size_t>(padding_below(static_cast<int>(n)));
  for (std::size_t i = 0; i < P; ++i) {
    padded[i] = i < first ? kBelow.values : i < first + n ? rows[i - first] : kAbove.values;
  }
  L::I32 largest = L::all(std::int32_t{0});
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        L::I32 keys[P];
#pragma GCC unroll 64
        for (int i = 0; i < P; ++i) {
          const auto x = access.template load<L::F32>(padded[i] + c);
          largest = larger(largest, magnitude<L>(x));
          keys[i] = key_of<L>(x);
        }
        order_middle<P>(keys);
        const auto low = value_of<L>(keys[P / 2 - 1]);
        Whole{}.store(lower + c, low);
        Whole{}.store(upper + c, n % 2 == 0 ? value_of<L>(keys[P / 2]) : low);
      });
  return largest_lane<L>(largest);
}

std::int32_t bisected_middle(const float* const* rows, std::size_t n, std::size_t count,
                             float* lower, float* upper, std::int32_t* scratch) {
  using L = Narrow;
  L::I32 largest = L::all(std::int32_t{0});
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        for (std::size_t i = 0; i < n; ++i) {
          const auto x = access.template load<L::F32>(rows[i] + c);
          largest = larger(largest, magnitude<L>(x));
          Whole{}.store(scratch + i * L::width, key_of<L>(x));
        }
        L::I32 low;
        L::I32 high;
        bisect_middle<L>(
            static_cast<int>(n),
            [&](int i) __attribute__((always_inline)) {
              return load_all<L::I32>(scratch + static_cast<std::size_t>(i) * L::width);
            },
            low, high);
        Whole{}.store(lower + c, value_of<L>(low));
        Whole{}.store(upper + c, value_of<L>(high));
      });
  return largest_lane<L>(largest);
}

std::int32_t middle(const float* const* rows, std::size_t n, std::size_t count, float* lower,
                    float* upper, std::int32_t* scratch) {
  if (n > kLargestNetwork) return bisected_middle(rows, n, count, lower, upper, scratch);
  switch (network_width(static_cast<int>(n))) {
    case 4:
      return network_middle<4>(rows, n, count, lower, upper);
    case 8:
      return network_middle<8>(rows, n, count, lower, upper);
    case 16:
      return network_middle<16>(rows, n, count, lower, upper);
    case 32:
      return network_middle<32>(rows, n, count, lower, upper);
    default:
      return network_middle<64>(rows, n, count, lower, upper);
  }
}

void mean_of_middle(const float* lower, const float* upper, std::size_t count, float* median) {
  using L = Wide;
  for (std::size_t c = 0; c < count; c += L::width) {
    Whole{}.store(median + c,
                  middle_mean<L>(load_all<L::F32>(lower + c), load_all<L::F32>(upper + c)));
  }
}

std::size_t count_outside(const float* row, const float* lower, const float* upper,
                          std::size_t count) {
  using L = Narrow;
  auto outside = L::all(std::int32_t{0});
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        const auto low = access.template load<L::F32>(lower + c);
        const auto high = access.template load<L::F32>(upper + c);
        const auto x = access.template load<L::F32>(row + c);
        outside = outside + L::one_if(x < low) + L::one_if(high < x);
      });
  std::int32_t lanes[L::width];
  memcpy(lanes, &outside, sizeof lanes);
  std::size_t total = 0;
  for (int i = 0; i < L::width; ++i) total += static_cast<std::size_t>(lanes[i]);
  return total;
}

std::int32_t quantise(const float* values, std::size_t count, std::int16_t* integers, int* shift) {
  using L = Narrow;
  const std::int32_t largest = largest_magnitude(values, count);
  *shift = block_shift(largest);
  const BlockScale scales = block_scale(*shift);
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
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
  memcpy(lanes, &largest, sizeof lanes);
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
  memcpy(parts, &sum, sizeof parts);
  std::int64_t total = 0;
  for (int i = 0; i < L::width; ++i) total += static_cast<std::int64_t>(parts[i]);
  return total;
}

}  // namespace

#if defined(GRADMINT_LEVEL_AVX512)
const CpuKernels kAvx512Kernels = {
#elif defined(GRADMINT_LEVEL_AVX2)
const CpuKernels kAvx2Kernels = {
#else
const CpuKernels kScalarKernels = {
#endif
    largest_magnitude, canonicalise,  accumulate, finish,   scale,     middle,
    mean_of_middle,    count_outside, step,       quantise, dot_block, square_difference};

}  // namespace gradmint::kernels
