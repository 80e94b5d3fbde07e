// A result in the span of the points, and the whole weights it becomes for the one weighted-mean
// pass over the updates (design: the numeric law, weighted mean).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gradmint::kernels {

// (sum of coefficients[i] * point i + start * the start) / total. Coefficients are at least 0, one
// of them above, and all of them with `start` sum to total.
struct Combination {
  std::vector<double> coefficients;
  double start = 0.0;
  double total = 1.0;
};

// The unweighted mean of the chosen of n points.
Combination mean_of(std::span<const std::uint32_t> chosen, std::size_t n);
// Their weighted mean.
Combination weighted_mean_of(std::span<const std::uint32_t> chosen,
                             std::span<const std::uint32_t> weights);

// Weights in [0, kMaxWeight], 0 where an update is left out, and what their weighted sum is divided
// by. Coefficients that are whole numbers of at most kMaxWeight are the weights; others become
// a / a_max * 2^24, rounded to nearest even. The divisor is the sum of the weights, or, where a
// share of the start has no row to carry it (the zero vector), total * 2^24 / a_max.
struct WholeWeights {
  std::vector<std::uint32_t> weights;
  std::uint32_t start = 0;
  std::uint32_t largest = 0;
  double divisor = 1.0;
};
WholeWeights whole_weights(const Combination& combination, bool start_has_row);

// A coefficient below 2^-25 of the largest would become weight 0. Iterations leave such points out
// at once: the distance to a far point times its tiny share would drown the others in rounding.
inline constexpr double kNegligibleShare = 0x1p-25;
void drop_negligible(std::vector<double>& coefficients);

}  // namespace gradmint::kernels
