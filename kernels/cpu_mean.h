// The weighted mean's tile functions of one CPU level (cpu_level.cc only).
#pragma once

#include "kernels/cpu_kernels.h"
#include "kernels/cpu_lanes.h"
#include "kernels/mean_rule.h"

namespace gradmint::kernels {
namespace {

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
