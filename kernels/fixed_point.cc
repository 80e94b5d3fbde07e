#include "kernels/fixed_point.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "kernels/base/check.h"
#include "kernels/cpu_kernels.h"
#include "kernels/cpu_level.h"

namespace gradmint::kernels {

int exponent_of_magnitude(std::uint32_t magnitude) {
  if (magnitude >= 0x7f800000u) return kNotFiniteExponent;
  if (magnitude == 0) return kNoExponent;
  if (magnitude < 0x00800000u) {  // denormal: magnitude * 2^-149
    return static_cast<int>(std::bit_width(magnitude - 1)) + kMinExponent;
  }
  const int floor_exponent = static_cast<int>(magnitude >> 23) - 127;
  return floor_exponent + ((magnitude & 0x7fffffu) != 0 ? 1 : 0);
}

int exponent_of_largest(std::span<const float> values) {
  const std::int32_t largest =
      default_cpu_kernels().largest_magnitude(values.data(), values.size());
  return exponent_of_magnitude(static_cast<std::uint32_t>(largest));
}

int choose_round_exponent(std::span<const int> exponents) {
  GRADMINT_CHECK(!exponents.empty());
  std::vector<int> sorted(exponents.begin(), exponents.end());
  std::sort(sorted.begin(), sorted.end());
  const auto zeros = static_cast<std::size_t>(
      std::upper_bound(sorted.begin(), sorted.end(), kNoExponent) - sorted.begin());
  if (zeros == sorted.size()) return kMinExponent;
  std::size_t middle = sorted.size() / 2;
  if (middle < zeros) middle = zeros + (sorted.size() - zeros) / 2;
  const int most = sorted[middle] + kHonestSpread;
  return *(std::upper_bound(sorted.begin(), sorted.end(), most) - 1);
}

int choose_shift(int round_exponent, std::uint32_t largest_weight) {
  GRADMINT_CHECK(round_exponent >= kMinExponent && round_exponent <= kMaxExponent);
  GRADMINT_CHECK(largest_weight >= 1 && largest_weight <= kMaxWeight);
  return 51 - round_exponent - static_cast<int>(std::bit_width(largest_weight - 1));
}

}  // namespace gradmint::kernels
