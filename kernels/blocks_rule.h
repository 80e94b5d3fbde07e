// Exact integer blocks for dot products (design: the numeric law, distances, norms, cosines).
//
// An update is cut into blocks of 4096 coordinates. Each block has a shift k, the largest integer
// for which round(max|x| * 2^k) <= 16383 (0 for a block of zeros), and holds q = round to nearest
// even (x * 2^k), in [-16383, 16383]. A block's dot product is the integer sum of q * q' (at most
// 2^40), and stands for that integer * 2^(-k - k'), which fp64 holds exactly.
//
// Differences of two updates are blocked in the same way from fp64(x) - fp64(y).
#pragma once

#include "kernels/lanes.h"

namespace gradmint::kernels {

inline constexpr int kBlockSize = 4096;

// The shift of a block whose largest magnitude has these bits (finite).
GRADMINT_RULE int block_shift(std::int32_t largest_magnitude) {
  if (largest_magnitude == 0) return 0;
  std::int32_t mantissa = largest_magnitude & 0x7fffff;
  int exponent = (largest_magnitude >> 23) - 127;
  if (exponent == -127) {
    exponent = -126;
    while (mantissa < 0x800000) {
      mantissa *= 2;
      --exponent;
    }
  } else {
    mantissa |= 0x800000;
  }
  // At k = 13 - exponent the largest becomes mantissa / 1024, and 16383.5 rounds to 16384.
  return mantissa >= 16776704 ? 12 - exponent : 13 - exponent;
}

// 2^k as two fp32 factors (k reaches 162, fp32 ends at 2^127). The product of all three is exact
// wherever it could round to something other than 0.
struct BlockScale {
  float first = 1.0f;
  float second = 1.0f;
};
GRADMINT_RULE BlockScale block_scale(int shift) {
  const int first = shift / 2;
  const int second = shift - first;
  return {bit_copy<float>((first + 127) << 23), bit_copy<float>((second + 127) << 23)};
}

// q of one value: adding 1.5 * 2^23 rounds to an integer, and the bits are that integer plus a
// constant.
template <class L>
GRADMINT_RULE typename L::I32 block_value(typename L::F32 x, BlockScale scale) {
  return bit_copy<typename L::I32>(x * scale.first * scale.second + 12582912.0f) - 0x4b400000;
}

// The shift of a block of differences whose largest magnitude has these fp64 bits.
GRADMINT_RULE int difference_shift(std::int64_t largest_magnitude) {
  if (largest_magnitude == 0) return 0;
  const std::int64_t mantissa = (largest_magnitude & 0xfffffffffffffLL) | 0x10000000000000LL;
  const int exponent = static_cast<int>(largest_magnitude >> 52) - 1023;
  // At k = 13 - exponent the largest becomes mantissa / 2^39.
  return mantissa >= 32767LL * (1LL << 38) ? 12 - exponent : 13 - exponent;
}

// q of one difference, as fp64: its square and 4096 of them added stay exact (at most 2^40).
template <class L>
GRADMINT_RULE typename L::F64 difference_value(typename L::F64 difference, double scale) {
  const double bias = 6755399441055744.0;  // 1.5 * 2^52
  return (difference * scale + bias) - bias;
}

// 2^k for -1022 <= k <= 1023.
GRADMINT_RULE double power_of_two(int k) {
  return bit_copy<double>(static_cast<std::int64_t>(k + 1023) << 52);
}

}  // namespace gradmint::kernels
