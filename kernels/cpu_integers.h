// Loading small integers at one CPU level (cpu_decode.cc only), and the largest of many.
#pragma once

#include "kernels/cpu_lanes.h"
#include "kernels/decode_rule.h"

#if defined(GRADMINT_LEVEL_AVX512) || defined(GRADMINT_LEVEL_AVX2)
#include <immintrin.h>
#endif

namespace gradmint::kernels {
namespace {

#if defined(GRADMINT_LEVEL_AVX512) || defined(GRADMINT_LEVEL_AVX2)

// Low bytes of a register from memory, the others zero.
template <int Bytes>
GRADMINT_RULE __m128i load_low(const std::byte* from) {
  if constexpr (Bytes == 16) return load_bytes<__m128i>(from);
  if constexpr (Bytes == 8) return _mm_cvtsi64_si128(load_bytes<std::int64_t>(from));
  if constexpr (Bytes == 4) return _mm_cvtsi32_si128(load_bytes<std::int32_t>(from));
  return _mm_cvtsi32_si128(load_bytes<std::uint16_t>(from));
}

// Bytes of two values each to bytes of one.
GRADMINT_RULE __m128i spread_nibbles(__m128i packed) {
  const __m128i wide = _mm_cvtepu8_epi16(packed);
  const __m128i both =
      _mm_and_si128(_mm_or_si128(wide, _mm_slli_epi16(wide, 4)), _mm_set1_epi8(15));
  const __m128i eight = _mm_set1_epi8(8);
  return _mm_sub_epi8(_mm_xor_si128(both, eight), eight);
}

template <int W>
GRADMINT_RULE typename Lanes<W>::I32 widen_bytes(__m128i bytes) {
  using I32 = typename Lanes<W>::I32;
#if defined(GRADMINT_LEVEL_AVX512)
  if constexpr (W == 16) return bit_copy<I32>(_mm512_cvtepi8_epi32(bytes));
#endif
  if constexpr (W == 8) return bit_copy<I32>(_mm256_cvtepi8_epi32(bytes));
  if constexpr (W == 4) return bit_copy<I32>(_mm_cvtepi8_epi32(bytes));
}

// Values c, c + 1, ... of a row of integers.
template <class L, bool Nibbles>
GRADMINT_RULE typename L::I32 load_integers(const std::byte* from, std::size_t c) {
  if constexpr (Nibbles) {
    return widen_bytes<L::width>(spread_nibbles(load_low<L::width / 2>(from + c / 2)));
  } else {
    return widen_bytes<L::width>(load_low<L::width>(from + c));
  }
}

template <class L>
GRADMINT_RULE typename L::I32 load_u16(const std::byte* from) {
  using I32 = typename L::I32;
#if defined(GRADMINT_LEVEL_AVX512)
  if constexpr (L::width == 16) {
    return bit_copy<I32>(_mm512_cvtepu16_epi32(load_bytes<__m256i>(from)));
  }
#endif
  if constexpr (L::width == 8) return bit_copy<I32>(_mm256_cvtepu16_epi32(load_low<16>(from)));
  if constexpr (L::width == 4) return bit_copy<I32>(_mm_cvtepu16_epi32(load_low<8>(from)));
}

#else

template <class L, bool Nibbles>
GRADMINT_RULE std::int32_t load_integers(const std::byte* from, std::size_t c) {
  return Nibbles ? nibble(from[c / 2], c) : static_cast<std::int8_t>(from[c]);
}
template <class L>
GRADMINT_RULE std::int32_t load_u16(const std::byte* from) {
  return load_bytes<std::uint16_t>(from);
}

#endif

#if defined(GRADMINT_LEVEL_AVX512)
constexpr std::size_t kScanBytes = 64;
#elif defined(GRADMINT_LEVEL_AVX2)
constexpr std::size_t kScanBytes = 32;
#else
constexpr std::size_t kScanBytes = 16;
#endif
typedef std::uint8_t Bytes8 __attribute__((vector_size(kScanBytes)));
typedef std::uint16_t Bytes16 __attribute__((vector_size(kScanBytes)));

// The largest of map(vector) over `size` bytes, the rest filled with zeros.
template <class V, class T, class Map>
GRADMINT_RULE std::uint32_t largest_of(const std::byte* from, std::size_t size, Map map) {
  V largest{};
  std::size_t at = 0;
  for (; at + sizeof(V) <= size; at += sizeof(V)) {
    largest = larger(largest, map(load_bytes<V>(from + at)));
  }
  if (at < size) {
    V rest{};
    memcpy(&rest, from + at, size - at);
    largest = larger(largest, map(rest));
  }
  std::uint32_t most = 0;
  for (std::size_t i = 0; i < sizeof(V) / sizeof(T); ++i) {
    most = larger(most, static_cast<std::uint32_t>(largest[i]));
  }
  return most;
}

// |q|; 128 for -128.
GRADMINT_RULE std::uint32_t largest_byte(const std::byte* from, std::size_t count) {
  return largest_of<Bytes8, std::uint8_t>(
      from, count, [](Bytes8 v) __attribute__((always_inline)) { return smaller(v, -v); });
}

// |q| of values in both halves of each byte; 8 for -8.
GRADMINT_RULE std::uint32_t largest_nibble(const std::byte* from, std::size_t count) {
  return largest_of<Bytes8, std::uint8_t>(
      from, (count + 1) / 2, [](Bytes8 v) __attribute__((always_inline)) {
        const Bytes8 low = v & 15;
        const Bytes8 high = v >> 4;
        return larger(smaller(low, (16 - low) & 15), smaller(high, (16 - high) & 15));
      });
}

GRADMINT_RULE std::uint32_t largest_half(const std::byte* from, std::size_t count) {
  return largest_of<Bytes16, std::uint16_t>(
      from, 2 * count, [](Bytes16 v) __attribute__((always_inline)) { return v & 0x7fff; });
}

}  // namespace
}  // namespace gradmint::kernels
