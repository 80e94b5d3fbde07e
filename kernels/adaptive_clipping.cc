#include "kernels/adaptive_clipping.h"

#include <algorithm>

#include "kernels/base/check.h"

namespace gradmint::kernels {

std::vector<double> adaptive_clip_factors(std::span<const double> norms, std::size_t f) {
  const std::size_t n = norms.size();
  GRADMINT_CHECK(f < n);
  const std::size_t clipped = 2 * f * (n - f) / n;  // at most n / 2
  std::vector<double> sorted(norms.begin(), norms.end());
  std::sort(sorted.begin(), sorted.end());
  const double threshold = sorted[n - clipped - 1];
  std::vector<double> factors;
  factors.reserve(n);
  for (const double norm : norms) factors.push_back(norm > threshold ? threshold / norm : 1.0);
  return factors;
}

}  // namespace gradmint::kernels
