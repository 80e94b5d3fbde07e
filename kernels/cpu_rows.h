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

GRADMINT_RULE const float* row_from(const float* row, std::size_t at) { return row + at; }
GRADMINT_RULE const float* values_of(const float* row) { return row; }
GRADMINT_RULE std::int32_t largest_in_row(const float* row, std::size_t count) {
  std::int32_t largest = 0;
  for (std::size_t c = 0; c < count; ++c) largest = larger(largest, magnitude<Lanes<1>>(row[c]));
  return largest;
}

// The same where a register holds one value: row after row over a few coordinates, whose sums lie
// in an array of their own. Nothing can then be the same memory as the sums, so that a compiler
// makes vectors of whatever registers the machine has from these loops (of 16 rows side by side it
// does not). Tried on fp32 and bf16 (16 updates of 1e7, SSE2, in ns a value): sixteen rows side by
// side 0.93 and 1.19; the largest magnitude in the loop of the terms, blocks of 256, from cache:
// 0.79 and 0.91, in a loop by itself 0.87 and 0.46, and with blocks of 64 0.61 and 0.37; these
// from memory 1.27 and 0.60, and asked for ahead, 512 to 2048 bytes alike, 0.60 and 0.39. Bound:
// the core, since it takes as long from cache: fp64 work of two values to a register.
template <class Row>
std::int32_t accumulate_by_blocks(const Row* rows, const double* factors, std::size_t n,
                                  std::size_t count, std::uint64_t* sums) {
  constexpr std::size_t kBlock = 64;
  std::int32_t largest = 0;
  for (std::size_t at = 0; at < count; at += kBlock) {
    const std::size_t here = count - at < kBlock ? count - at : kBlock;
    std::uint64_t totals[kBlock];
    memcpy(totals, sums + at, here * sizeof totals[0]);
    for (std::size_t r = 0; r < n; ++r) {
      const Row row = row_from(rows[r], at);
      const double factor = factors[r];
      const auto ahead = reinterpret_cast<std::uintptr_t>(values_of(row)) + kAheadBytes;
      for (std::size_t line = 0; line < here * sizeof *values_of(row); line += 64) {
        __builtin_prefetch(reinterpret_cast<const void*>(ahead + line));
      }
      largest = larger(largest, largest_in_row(row, here));
      for (std::size_t c = 0; c < here; ++c) {
        totals[c] += biased_term<Lanes<1>>(read_row(row, c, Whole{}), factor);
      }
    }
    memcpy(sums + at, totals, here * sizeof totals[0]);
  }
  return largest;
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
  if constexpr (Narrow::width == 1) {
    return accumulate_by_blocks(rows, factors, n, count, sums);
  } else {
    return accumulate_groups<false>(rows, factors, n, count, sums);
  }
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
