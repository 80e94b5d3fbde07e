#include "worker/seeded.h"

#include <cmath>
#include <numbers>

namespace gradmint {

double Seeded::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - unit()));
  return radius * std::cos(2.0 * std::numbers::pi * unit());
}

double Seeded::gamma(double shape) {
  // Below 1: gamma(shape) = gamma(shape + 1) · u^(1/shape), from the same paper.
  const double boost = shape < 1.0 ? std::pow(1.0 - unit(), 1.0 / shape) : 1.0;
  const double d = (shape < 1.0 ? shape + 1.0 : shape) - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    const double x = normal();
    const double cube = 1.0 + c * x;
    if (cube <= 0) continue;
    const double v = cube * cube * cube;
    const double u = 1.0 - unit();
    if (std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v * boost;
  }
}

}  // namespace gradmint
