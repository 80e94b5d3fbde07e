#include "kernels/scan.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu_kernels.h"
#include "kernels/cpu_level.h"
#include "kernels/fixed_point.h"
#include "kernels/parallel.h"

namespace gradmint::kernels {

ScanResult scan_values(std::span<const float> values) {
  ScanResult result;
  result.count = values.size();
  result.exponent = exponent_of_largest(values);
  result.finite = result.exponent != kNotFiniteExponent;
  if (!result.finite) {
    const auto bad =
        std::find_if(values.begin(), values.end(), [](float x) { return !std::isfinite(x); });
    result.first_not_finite = static_cast<std::size_t>(bad - values.begin());
  }
  return result;
}

ScanResult scan_row(const Row& row) { return scan_values({row.values(), row.size()}); }

ScanResult scan_and_canonicalise(std::span<float> values) {
  const ExactFloats exact;  // adding zero must not flush a denormal
  const ScanResult result = scan_values(values);
  default_cpu_kernels().canonicalise(values.data(), values.size());
  return result;
}

}  // namespace gradmint::kernels
