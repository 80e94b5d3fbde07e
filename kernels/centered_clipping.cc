#include "kernels/centered_clipping.h"

#include <cmath>

#include "kernels/base/check.h"

namespace gradmint::kernels {
namespace {

std::vector<double> pulls_of(const std::vector<double>& squares, double tau) {
  std::vector<double> pulls;
  for (const double square : squares) {
    const double distance = std::sqrt(square);
    pulls.push_back(distance > tau ? tau / distance : 1.0);
  }
  drop_negligible(pulls);
  return pulls;
}

}  // namespace

Combination centered_clipping(const Points& points, double tau, std::size_t steps) {
  GRADMINT_CHECK(steps >= 1 && tau > 0.0);
  const double n = static_cast<double>(points.n);
  Combination v{std::vector<double>(points.n, 0.0), 1.0, 1.0};
  for (std::size_t step = 0; step < steps; ++step) {
    const std::vector<double> pulls = pulls_of(
        step == 0 ? points.to_start : squared_distances_to(points, v.coefficients, v.start), tau);
    double sum = 0;
    for (const double pull : pulls) sum += pull;
    const double stays = 1.0 - sum / n;  // at least 0: no pull is above 1
    for (std::size_t i = 0; i < points.n; ++i) {
      v.coefficients[i] = v.coefficients[i] * stays + pulls[i] / n;
    }
    v.start = v.start * stays;
  }
  return v;
}

}  // namespace gradmint::kernels
