// The value that encoded bits stand for (encoding.h), per coordinate: one source for the CPU's
// levels and CUDA. Integers and exact operations only. -0 becomes +0.
#pragma once

#include "kernels/encoding.h"
#include "kernels/lanes.h"

namespace gradmint::kernels {

// What int8 and int4 begin with.
GRADMINT_RULE std::uint64_t exponent_section_bytes(std::uint64_t count) {
  const std::uint64_t blocks = (count + kIntegerBlock - 1) / kIntegerBlock;
  return (blocks + kSectionBytes - 1) / kSectionBytes * kSectionBytes;
}

// A top_k record: first the indices, then the values.
GRADMINT_RULE std::uint64_t index_bytes(std::uint64_t kept) { return (12 * kept + 7) / 8; }
GRADMINT_RULE std::uint64_t record_bytes(std::uint64_t kept) {
  return index_bytes(kept) + 4 * kept;
}

template <class T>
GRADMINT_RULE T load_bytes(const std::byte* from) {
  T value;
  memcpy(&value, from, sizeof value);
  return value;
}

// The j-th of a record's indices.
GRADMINT_RULE std::uint32_t index_of_kept(const std::byte* record, std::size_t j) {
  const std::size_t at = j * 3 / 2;
  const auto both =
      static_cast<std::uint32_t>(record[at]) | static_cast<std::uint32_t>(record[at + 1]) << 8;
  return (j % 2 == 0 ? both : both >> 4) & 0xfffu;
}

// `half` holds 16 bits, the upper ones zero.
template <class L>
GRADMINT_RULE typename L::F32 bf16_value(typename L::I32 half) {
  return canonical(bit_copy<typename L::F32>(half << 16));
}

// Without a denormal fp32 on the way: half a denormal fp16 is added to 2^-14 as bits, which is
// then taken off. All choices are between integers: GCC would branch on one between a float and a
// difference of floats.
template <class L>
GRADMINT_RULE typename L::F32 fp16_value(typename L::I32 half) {
  using I32 = typename L::I32;
  using F32 = typename L::F32;
  const I32 bits = (half & 0x7fff) << 13;
  const I32 none = L::all(std::int32_t{0});
  const I32 rebias = L::all(std::int32_t{112 << 23});
  const I32 top = bits >= (31 << 23) ? rebias : none;  // infinity, not a number
  const I32 off = bits < (1 << 23) ? L::all(std::int32_t{113 << 23}) : none;  // 2^-14, or 0
  const F32 size = bit_copy<F32>(bits + larger(off, rebias) + top) - bit_copy<F32>(off);
  return canonical(bit_copy<F32>(bit_copy<I32>(size) | (half & 0x8000) << 16));
}

// 2^k of a block, in [kMinBlockExponent, kMaxBlockExponent].
GRADMINT_RULE float block_unit(int k) { return bit_copy<float>((k + 127) << 23); }

// q * 2^k is exact: |q| <= 127, and k keeps it a normal number.
template <class L>
GRADMINT_RULE typename L::F32 integer_value(typename L::I32 q, float unit) {
  return L::to_float(q) * unit;
}

// One of a byte's two values, the one in the low four bits first.
GRADMINT_RULE std::int32_t nibble(std::byte both, std::size_t place) {
  const int bits = (static_cast<int>(both) >> (place % 2 == 0 ? 0 : 4)) & 15;
  return (bits ^ 8) - 8;
}

}  // namespace gradmint::kernels
