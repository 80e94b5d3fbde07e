// From a value to encoded bits (encoding.h), per coordinate and in integers where rounding matters.
// Encoding runs on the CPU (encode.cc); the rule is written so that a GPU can share it. Values are
// finite, and -0 was made +0.
#pragma once

#include "kernels/encoding.h"
#include "kernels/lanes.h"

namespace gradmint::kernels {

inline constexpr std::uint32_t kTooLarge = 0x10000;  // would become infinite

// 16 bits, or kTooLarge.
GRADMINT_RULE std::uint32_t bf16_bits(float x) {
  const auto bits = bit_copy<std::uint32_t>(x);
  const std::uint32_t half = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const std::uint32_t size = half & 0x7fffu;
  if (size >= 0x7f80u) return kTooLarge;
  return size == 0 ? 0 : half;  // a negative value may have become -0
}

GRADMINT_RULE std::uint32_t fp16_bits(float x) {
  const auto bits = bit_copy<std::uint32_t>(x);
  const std::uint32_t size = bits & 0x7fffffffu;
  if (size >= 0x477ff000u) return kTooLarge;  // 65520, halfway to 2^16
  std::uint32_t half = 0;
  if (size >= 0x38800000u) {  // 2^-14, the smallest normal one
    const std::uint32_t rebiased = size - (112u << 23);
    half = (rebiased + 0xfffu + ((rebiased >> 13) & 1u)) >> 13;
  } else if (size > 0x33000000u) {  // above 2^-25, half the smallest denormal one
    const std::uint32_t mantissa = (size & 0x7fffffu) | 0x800000u;
    const std::uint32_t shift = 126u - (size >> 23);  // 14 to 24
    const std::uint32_t whole = mantissa >> shift;
    const std::uint32_t rest = mantissa & ((1u << shift) - 1u);
    const std::uint32_t middle = 1u << (shift - 1u);
    half = whole + ((rest > middle || (rest == middle && (whole & 1u) != 0)) ? 1u : 0u);
  }
  return half == 0 ? 0 : half | ((bits >> 16) & 0x8000u);
}

// The exponent k of a block whose largest magnitude has these bits; above kMaxBlockExponent where
// it is too large. `four` for int4, otherwise int8.
GRADMINT_RULE int block_exponent(std::int32_t largest_magnitude, bool four) {
  const int exponent = (largest_magnitude >> 23) - 127;  // a denormal gives -127, and the least k
  const std::int32_t mantissa = largest_magnitude & 0x7fffff;
  // 127.5 is 1.9921875 * 2^6, and 7.5 is 1.875 * 2^2.
  const int k =
      four ? exponent - (mantissa < 0x700000 ? 2 : 1) : exponent - (mantissa < 0x7f0000 ? 6 : 5);
  return k < kMinBlockExponent ? kMinBlockExponent : k;
}

// q of a value, given 2^-k. The product is exact wherever it could round to something other than 0.
// Adding 1.5 * 2^23 rounds to an integer, and the bits are that integer plus a constant.
GRADMINT_RULE std::int32_t integer_bits(float x, float inverse_unit) {
  return bit_copy<std::int32_t>(x * inverse_unit + 12582912.0f) - 0x4b400000;
}
// 2^-k.
GRADMINT_RULE float inverse_block_unit(int k) { return bit_copy<float>((127 - k) << 23); }

}  // namespace gradmint::kernels
