// The weighted mean's tile functions of one CPU level (cpu_kernels.cc only).
//
// The versions tried and what each gained: mean_rule.h. Since then term and bias in one operation
// where the product is exact (cpu_rows.h): fp16 a tenth faster, fp32 as before. Bound: memory.
// Reading 16 rows and doing nothing takes 20.5 ms here, the model and the result 4 more at that
// rate, the whole pass 27 to 29 (16 updates of 1e7, AVX-512, one thread).
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
