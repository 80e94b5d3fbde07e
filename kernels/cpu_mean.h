// The weighted mean's tile functions of one CPU level (cpu_level.cc only).
#pragma once

#include "kernels/cpu_kernels.h"
#include "kernels/cpu_rows.h"
#include "kernels/mean_rule.h"

namespace gradmint::kernels {
namespace {

std::int32_t accumulate(const float* const* rows, const double* factors, std::size_t n,
                        std::size_t count, std::uint64_t* sums) {
  return accumulate_all(rows, factors, n, count, sums);
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
