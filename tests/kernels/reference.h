// The numeric law once more, written for clarity and nothing else: one coordinate at a time, no
// tiles, no bit tricks, no shared code with kernels/ but its constants. The kernels must give the
// same bytes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/aggregate.h"

namespace gradmint::test {

using Updates = std::vector<std::vector<float>>;

int reference_exponent(std::span<const float> values);
int reference_shift(int round_exponent, std::uint32_t largest_weight);

std::vector<float> reference_mean(const Updates& updates, std::span<const std::uint32_t> weights,
                                  std::span<const double> clips, int shift);

struct ReferenceMedian {
  std::vector<float> median;
  std::vector<std::uint64_t> outside;
};
ReferenceMedian reference_median(const Updates& updates, std::span<const double> clips);

double reference_dot(std::span<const float> a, std::span<const float> b);
// Of factor_a * a and factor_b * b.
double reference_difference(std::span<const float> a, std::span<const float> b,
                            double factor_a = 1.0, double factor_b = 1.0);
double reference_distance(std::span<const float> a, std::span<const float> b);

// The whole of aggregate(), from the same spec and input (assumed valid).
kernels::AggregateOutput reference_aggregate(const kernels::AggregateSpec& spec,
                                             const kernels::AggregateInput& input);

}  // namespace gradmint::test
