#include "kernels/geometric_median.h"

#include <algorithm>
#include <cmath>

#include "kernels/base/check.h"

namespace gradmint::kernels {
namespace {

double lower_median_norm(const Points& points) {
  std::vector<double> squares = points.to_start;
  const auto middle = squares.begin() + static_cast<std::ptrdiff_t>((squares.size() - 1) / 2);
  std::nth_element(squares.begin(), middle, squares.end());
  return std::sqrt(*middle);
}

// Shares that sum to one, from the squared distances to the iterate.
std::vector<double> shares_of(const std::vector<double>& squares, double smallest) {
  std::vector<double> shares;
  bool at_a_point = false;
  for (const double square : squares) {
    shares.push_back(std::max(smallest, std::sqrt(square)));
    at_a_point = at_a_point || shares.back() == 0.0;
  }
  for (double& each : shares) each = at_a_point ? (each == 0.0 ? 1.0 : 0.0) : 1.0 / each;
  drop_negligible(shares);
  double sum = 0;
  for (const double each : shares) sum += each;
  for (double& each : shares) each = each / sum;
  return shares;
}

}  // namespace

Combination geometric_median(const Points& points, double nu, NuScale scale, std::size_t steps) {
  GRADMINT_CHECK(steps >= 1);
  const double smallest = scale == NuScale::relative ? nu * lower_median_norm(points) : nu;
  Combination median;
  median.coefficients = shares_of(points.to_start, smallest);
  for (std::size_t step = 1; step < steps; ++step) {
    median.coefficients =
        shares_of(squared_distances_to(points, median.coefficients, 0.0), smallest);
  }
  return median;
}

}  // namespace gradmint::kernels
