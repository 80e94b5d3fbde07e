// The weighted mean's tile functions of one CPU level (cpu_level.cc only).
#pragma once

#include "kernels/cpu_kernels.h"
#include "kernels/cpu_lanes.h"
#include "kernels/mean_rule.h"

namespace gradmint::kernels {
namespace {

// Half of a Narrow group, for fp64 work.
constexpr int kHalves = Narrow::width / Wide::width;
GRADMINT_RULE Wide::F32 half_of(Narrow::F32 group, int half) {
  Wide::F32 halves[kHalves];
  static_assert(sizeof halves == sizeof group);
  memcpy(halves, &group, sizeof halves);
  return halves[half];
}

// Adds the terms of `Rows` rows to the sums.
template <int Rows>
GRADMINT_RULE Narrow::I32 accumulate_rows(const float* const* rows, const double* factors,
                                          std::size_t count, std::uint64_t* sums,
                                          Narrow::I32 largest) {
  using L = Narrow;
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        Wide::U64 totals[kHalves];
        memcpy(totals, sums + c, sizeof totals);
#pragma GCC unroll 16
        for (int r = 0; r < Rows; ++r) {
          ask_ahead(rows[r], c);
          const auto x = in_register(access.template load<L::F32>(rows[r] + c));
          largest = larger(largest, magnitude<L>(x));
          for (int half = 0; half < kHalves; ++half) {
            totals[half] = totals[half] + biased_term<Wide>(half_of(x, half), factors[r]);
          }
        }
        memcpy(sums + c, totals, sizeof totals);
      });
  return largest;
}

std::int32_t accumulate(const float* const* rows, const double* factors, std::size_t n,
                        std::size_t count, std::uint64_t* sums) {
  auto largest = Narrow::all(std::int32_t{0});
  std::size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    largest = accumulate_rows<16>(rows + i, factors + i, count, sums, largest);
  }
  if (i + 8 <= n) {
    largest = accumulate_rows<8>(rows + i, factors + i, count, sums, largest);
    i += 8;
  }
  if (i + 4 <= n) {
    largest = accumulate_rows<4>(rows + i, factors + i, count, sums, largest);
    i += 4;
  }
  for (; i < n; ++i) largest = accumulate_rows<1>(rows + i, factors + i, count, sums, largest);
  return largest_lane<Narrow>(largest);
}

void finish(const std::uint64_t* sums, std::size_t count, const MeanFinish& how, float* delta) {
  using L = Wide;
  for (std::size_t c = 0; c < count; c += L::width) {
    Whole{}.store(delta + c, finish_mean<L>(load_all<L::U64>(sums + c), how));
  }
}

void finish_rest(const std::uint64_t* all, const std::uint64_t* left_out, std::size_t count,
                 const MeanFinish& how, float* mean) {
  using L = Wide;
  for (std::size_t c = 0; c < count; c += L::width) {
    const auto sum = load_all<L::U64>(all + c) - load_all<L::U64>(left_out + c);
    Whole{}.store(mean + c, finish_mean<L>(sum, how));
  }
}

}  // namespace
}  // namespace gradmint::kernels
