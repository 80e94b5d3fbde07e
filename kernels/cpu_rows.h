// How the tile functions of one CPU level read rows, and the weighted mean's sums over rows of any
// kind that can be read so (cpu_kernels.cc, cpu_decode.cc and the cpu_*.h files they include only).
#pragma once

#include "kernels/cpu_lanes.h"
#include "kernels/mean_rule.h"

namespace gradmint::kernels {
namespace {

// Coordinates c, c + 1, ... of a row, those behind them asked for.
template <class Access>
GRADMINT_RULE Narrow::F32 read_row(const float* row, std::size_t c, Access access) {
  ask_ahead(row, c);
  return in_register(access.template load<Narrow::F32>(row + c));
}

// Half of a Narrow group, for fp64 work.
constexpr int kHalves = Narrow::width / Wide::width;
GRADMINT_RULE Wide::F32 half_of(Narrow::F32 group, int half) {
  Wide::F32 halves[kHalves];
  static_assert(sizeof halves == sizeof group);
  memcpy(halves, &group, sizeof halves);
  return halves[half];
}

// Adds the terms of `Rows` rows to the sums; Few: all factors have few bits.
template <int Rows, bool Few, class Row>
GRADMINT_RULE Narrow::I32 accumulate_rows(const Row* rows, const double* factors, std::size_t count,
                                          std::uint64_t* sums, Narrow::I32 largest) {
  using L = Narrow;
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        Wide::U64 totals[kHalves];
        memcpy(totals, sums + c, sizeof totals);
#pragma GCC unroll 16
        for (int r = 0; r < Rows; ++r) {
          const auto x = read_row(rows[r], c, access);
          largest = larger(largest, magnitude<L>(x));
          for (int half = 0; half < kHalves; ++half) {
            const auto part = half_of(x, half);
            totals[half] = totals[half] + (Few ? biased_unit_term<Wide>(part, factors[r])
                                               : biased_term<Wide>(part, factors[r]));
          }
        }
        memcpy(sums + c, totals, sizeof totals);
      });
  return largest;
}

template <bool Few, class Row>
GRADMINT_RULE std::int32_t accumulate_groups(const Row* rows, const double* factors, std::size_t n,
                                             std::size_t count, std::uint64_t* sums) {
  auto largest = Narrow::all(std::int32_t{0});
  std::size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    largest = accumulate_rows<16, Few>(rows + i, factors + i, count, sums, largest);
  }
  if (i + 8 <= n) {
    largest = accumulate_rows<8, Few>(rows + i, factors + i, count, sums, largest);
    i += 8;
  }
  if (i + 4 <= n) {
    largest = accumulate_rows<4, Few>(rows + i, factors + i, count, sums, largest);
    i += 4;
  }
  for (; i < n; ++i) largest = accumulate_rows<1, Few>(rows + i, factors + i, count, sums, largest);
  return largest_lane<Narrow>(largest);
}

// The largest magnitude of `n` rows, whose terms are added to the sums; sums padded.
template <class Row>
GRADMINT_RULE std::int32_t accumulate_all(const Row* rows, const double* factors, std::size_t n,
                                          std::size_t count, std::uint64_t* sums) {
#if defined(GRADMINT_LEVEL_AVX512)
  bool few = true;
  for (std::size_t i = 0; i < n; ++i) few = few && has_few_bits(factors[i]);
  if (few) return accumulate_groups<true>(rows, factors, n, count, sums);
#endif
  return accumulate_groups<false>(rows, factors, n, count, sums);
}

// How many values of a row lie strictly below lower or strictly above upper; both padded.
template <class Row>
GRADMINT_RULE std::size_t count_outside_of(Row row, const float* lower, const float* upper,
                                           std::size_t count) {
  using L = Narrow;
  auto outside = L::all(std::int32_t{0});
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        const auto low = access.template load<L::F32>(lower + c);
        const auto high = access.template load<L::F32>(upper + c);
        const auto x = read_row(row, c, access);
        outside = outside + L::one_if(x < low) + L::one_if(high < x);
      });
  std::int32_t lanes[L::width];
  const auto copy = in_register(outside);
  memcpy(lanes, &copy, sizeof lanes);
  std::size_t total = 0;
  for (int i = 0; i < L::width; ++i) total += static_cast<std::size_t>(lanes[i]);
  return total;
}

}  // namespace
}  // namespace gradmint::kernels
