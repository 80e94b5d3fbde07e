#include "kernels/scan.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu_kernels.h"
#include "kernels/cpu_level.h"
#include "kernels/fixed_point.h"
#include "kernels/parallel.h"
#include "kernels/row_tile.h"

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

ScanResult scan_row(const Row& row) {
  if (row.is_plain()) return scan_values({row.values(), row.size()});
  const ExactFloats exact;
  const CpuKernels& kernels = default_cpu_kernels();
  constexpr std::size_t kTile = 4096;
  float scratch[kTile];
  ScanResult result;
  result.exponent = kNoExponent;
  for (std::size_t begin = 0; begin < row.size(); begin += kTile) {
    const std::size_t count = std::min(kTile, row.size() - begin);
    const ScanResult part = scan_values({tile(kernels, row, begin, count, scratch), count});
    if (!part.finite && result.finite) result.first_not_finite = begin + part.first_not_finite;
    result.finite = result.finite && part.finite;
    result.exponent = std::max(result.exponent, part.exponent);
    result.count += count;
  }
  return result;
}

ScanResult scan_and_canonicalise(std::span<float> values) {
  const ExactFloats exact;  // adding zero must not flush a denormal
  const ScanResult result = scan_values(values);
  default_cpu_kernels().canonicalise(values.data(), values.size());
  return result;
}

}  // namespace gradmint::kernels
