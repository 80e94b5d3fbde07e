#include "kernels/combination.h"

#include <algorithm>

#include "kernels/base/check.h"
#include "kernels/fixed_point.h"

namespace gradmint::kernels {
namespace {

constexpr double kLargestWeight = static_cast<double>(kMaxWeight);

double rounded(double x) {                 // to nearest even; 0 <= x <= 2^51
  const double bias = 4503599627370496.0;  // 2^52
  return (x + bias) - bias;
}

bool is_weight(double x) { return x <= kLargestWeight && rounded(x) == x; }

}  // namespace

Combination mean_of(std::span<const std::uint32_t> chosen, std::size_t n) {
  const std::vector<std::uint32_t> ones(n, 1);
  return weighted_mean_of(chosen, ones);
}

Combination weighted_mean_of(std::span<const std::uint32_t> chosen,
                             std::span<const std::uint32_t> weights) {
  Combination combination{std::vector<double>(weights.size(), 0.0), 0.0, 0.0};
  for (const std::uint32_t i : chosen) {
    combination.coefficients[i] = static_cast<double>(weights[i]);
    combination.total += combination.coefficients[i];
  }
  return combination;
}

WholeWeights whole_weights(const Combination& combination, bool start_has_row) {
  const auto& coefficients = combination.coefficients;
  const double start = start_has_row ? combination.start : 0.0;
  const double largest =
      std::max(start, *std::max_element(coefficients.begin(), coefficients.end()));
  GRADMINT_CHECK(largest > 0.0);
  const bool whole =
      is_weight(start) && std::all_of(coefficients.begin(), coefficients.end(), is_weight);
  const auto weight_of = [&](double coefficient) {
    const double weight = whole ? coefficient : rounded(coefficient / largest * kLargestWeight);
    return static_cast<std::uint32_t>(weight);
  };
  WholeWeights result;
  result.start = weight_of(start);
  result.largest = result.start;
  double sum = static_cast<double>(result.start);
  for (const double coefficient : coefficients) {
    const std::uint32_t weight = weight_of(coefficient);
    result.weights.push_back(weight);
    result.largest = std::max(result.largest, weight);
    sum += static_cast<double>(weight);
  }
  const bool share_without_row = !start_has_row && combination.start > 0.0;
  const double real = whole ? combination.total : combination.total * kLargestWeight / largest;
  result.divisor = share_without_row ? real : sum;
  return result;
}

void drop_negligible(std::vector<double>& coefficients) {
  const double largest = *std::max_element(coefficients.begin(), coefficients.end());
  for (double& each : coefficients) {
    if (each < largest * kNegligibleShare) each = 0.0;
  }
}

}  // namespace gradmint::kernels
