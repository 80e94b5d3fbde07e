// From a value to encoded bits (encoding.h), per coordinate: one source for the CPU's levels and
// CUDA. Integers and exact operations only. Where a value is not finite or too large, what comes
// out means nothing: whoever writes looks at magnitudes (unencodable_magnitude) and refuses.
#pragma once

#include "kernels/encoding.h"
#include "kernels/lanes.h"

namespace gradmint::kernels {

// What a coordinate's bits are made of: -0 becomes +0. `carried` is what the encoding of the update
// before lost.
template <class L>
GRADMINT_RULE typename L::F32 value_to_encode(typename L::F32 value, typename L::F32 carried) {
  return canonical(value + carried);
}

// What is lost of x where its bits decode to `kept`; exact, since they are near each other.
template <class L>
GRADMINT_RULE typename L::F32 lost_of(typename L::F32 x, typename L::F32 kept) {
  return canonical(x - kept);
}

// The smallest magnitude (lanes.h) that would become infinite, or a block exponent above
// kMaxBlockExponent.
GRADMINT_RULE std::int32_t unencodable_magnitude(EncodingKind kind) {
  switch (kind) {
    case EncodingKind::bf16:
      return 0x7f7f8000;  // halfway from the largest value to 2^128
    case EncodingKind::fp16:
      return 0x477ff000;  // 65520, halfway to 2^16
    case EncodingKind::int8:
      return 0x7f7f0000;  // 127.5 * 2^121
    case EncodingKind::int4:
      return 0x7d700000;  // 7.5 * 2^121
    case EncodingKind::fp32:
    case EncodingKind::top_k:
      break;
  }
  return kInfinityMagnitude;
}

// A half with the sign of `bits`; a negative value may have become -0, which is written as +0.
template <class L>
GRADMINT_RULE typename L::I32 signed_half(typename L::I32 half, typename L::I32 bits) {
  return half == 0 ? half : (half | ((bits >> 16) & 0x8000));
}

template <class L>
GRADMINT_RULE typename L::I32 bf16_bits(typename L::F32 x) {
  using I32 = typename L::I32;
  const I32 bits = bit_copy<I32>(x);
  const I32 size = smaller(magnitude<L>(x), L::all(kInfinityMagnitude));  // or the sum overflows
  return signed_half<L>((size + 0x7fff + ((size >> 16) & 1)) >> 16, bits);
}

template <class L>
GRADMINT_RULE typename L::I32 fp16_bits(typename L::F32 x) {
  using I32 = typename L::I32;
  using F32 = typename L::F32;
  const I32 size = magnitude<L>(x);
  const I32 normal = (size - (112 << 23) + 0xfff + ((size >> 13) & 1)) >> 13;
  // Below 2^-14 the values are multiples of 2^-24, which is the last place of 0.5.
  const I32 denormal = bit_copy<I32>(bit_copy<F32>(size) + 0.5f) - 0x3f000000;
  const I32 half = size < 0x38800000 ? denormal : normal;
  return signed_half<L>(half, bit_copy<I32>(x));
}

// The exponent k of a block whose largest magnitude has these bits, below unencodable_magnitude.
// `four` for int4, otherwise int8.
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
template <class L>
GRADMINT_RULE typename L::I32 integer_bits(typename L::F32 x, float inverse_unit) {
  return bit_copy<typename L::I32>(x * inverse_unit + 12582912.0f) - 0x4b400000;
}
// 2^-k.
GRADMINT_RULE float inverse_block_unit(int k) { return bit_copy<float>((127 - k) << 23); }

}  // namespace gradmint::kernels
