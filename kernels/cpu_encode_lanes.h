// Lanes between an update and its encoded bytes, at one CPU level (cpu_encode.cc and cpu_top_k.h
// only): values as they are read, and 32-bit lanes as the few bits that are stored.
#pragma once

#include "kernels/cpu_encode.h"
#include "kernels/cpu_lanes.h"
#include "kernels/encode_rule.h"

#if defined(GRADMINT_LEVEL_AVX512) || defined(GRADMINT_LEVEL_AVX2)
#include <immintrin.h>
#endif

namespace gradmint::kernels {
namespace {

// Coordinate c and those behind it, with what is carried.
template <bool Carried, class Access>
GRADMINT_RULE Narrow::F32 read_value(const EncodeTile& tile, std::size_t c, Access access) {
  using F32 = Narrow::F32;
  ask_ahead(tile.values, c);
  const auto value = access.template load<F32>(tile.values + c);
  if constexpr (!Carried) return canonical(value);
  return value_to_encode<Narrow>(value, access.template load<F32>(tile.carried + c));
}

#if defined(GRADMINT_LEVEL_AVX512)

// The low 16 bits of each lane.
GRADMINT_RULE __m256i narrow_halves(Narrow::I32 half) {
  return _mm512_cvtepi32_epi16(bit_copy<__m512i>(half));
}
GRADMINT_RULE __m128i narrow_bytes(Narrow::I32 q) {
  return _mm512_cvtepi32_epi8(bit_copy<__m512i>(q));
}
// The low four bits of two lanes in each byte, the first of them low.
GRADMINT_RULE std::int64_t narrow_nibbles(Narrow::I32 q) {
  const __m512i pairs = bit_copy<__m512i>(q);
  const __m512i low = _mm512_and_si512(pairs, _mm512_set1_epi64(0x0f));
  const __m512i high = _mm512_and_si512(_mm512_srli_epi64(pairs, 28), _mm512_set1_epi64(0xf0));
  return _mm_cvtsi128_si64(_mm512_cvtepi64_epi8(_mm512_or_si512(low, high)));
}
// By shuffles: a copy of the lanes in memory would be where GCC keeps them all the time.
GRADMINT_RULE std::int32_t lanes_largest(Narrow::I32 value) {
  return _mm512_reduce_max_epi32(bit_copy<__m512i>(value));
}
// A bit for each lane at or above the bound.
GRADMINT_RULE std::uint32_t lanes_at_least(Narrow::I32 value, Narrow::I32 bound) {
  return _mm512_cmpge_epi32_mask(bit_copy<__m512i>(value), bit_copy<__m512i>(bound));
}

#elif defined(GRADMINT_LEVEL_AVX2)

GRADMINT_RULE __m128i narrow_halves(Narrow::I32 half) {
  const __m256i all = bit_copy<__m256i>(half & 0xffff);
  return _mm_packus_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
}
GRADMINT_RULE std::int64_t narrow_bytes(Narrow::I32 q) {
  const __m256i all = bit_copy<__m256i>(q);
  const __m128i halves =
      _mm_packs_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
  return _mm_cvtsi128_si64(_mm_packs_epi16(halves, halves));
}
GRADMINT_RULE std::int32_t narrow_nibbles(Narrow::I32 q) {
  const __m256i pairs = bit_copy<__m256i>(q);
  const __m256i low = _mm256_and_si256(pairs, _mm256_set1_epi64x(0x0f));
  const __m256i high = _mm256_and_si256(_mm256_srli_epi64(pairs, 28), _mm256_set1_epi64x(0xf0));
  const __m256i both = _mm256_or_si256(low, high);  // a byte in every second lane of 32 bits
  const __m128i lanes =
      _mm_packus_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
  const __m128i halves = _mm_packus_epi32(lanes, lanes);
  return _mm_cvtsi128_si32(_mm_packus_epi16(halves, halves));
}
GRADMINT_RULE std::int32_t lanes_largest(Narrow::I32 value) {
  const __m256i all = bit_copy<__m256i>(value);
  __m128i most = _mm_max_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
  most = _mm_max_epi32(most, _mm_shuffle_epi32(most, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(most, _mm_shuffle_epi32(most, 0xb1)));
}
GRADMINT_RULE std::uint32_t lanes_at_least(Narrow::I32 value, Narrow::I32 bound) {
  const Narrow::I32 held = value >= bound;
  return static_cast<std::uint32_t>(_mm256_movemask_ps(bit_copy<__m256>(held)));
}

#else  // one value at a time

GRADMINT_RULE std::uint16_t narrow_halves(std::int32_t half) {
  return static_cast<std::uint16_t>(half);
}
GRADMINT_RULE std::int8_t narrow_bytes(std::int32_t q) { return static_cast<std::int8_t>(q); }
GRADMINT_RULE std::int32_t lanes_largest(std::int32_t value) { return value; }
GRADMINT_RULE std::uint32_t lanes_at_least(std::int32_t value, std::int32_t bound) {
  return value >= bound ? 1 : 0;
}

#endif

// Of the bits that lanes_at_least gives.
GRADMINT_RULE std::size_t ones_in(std::uint32_t lanes) {
  if constexpr (Narrow::width == 1) return lanes;
  return static_cast<std::size_t>(__builtin_popcount(lanes));
}

// A vector of what is lost, which is not read again soon: past the caches, which would read the
// line first. Only where lines and vectors begin together.
GRADMINT_RULE void store_past(Whole whole, float* to, Narrow::F32 value) {
#if defined(GRADMINT_LEVEL_AVX512)
  if (reinterpret_cast<std::uintptr_t>(to) % 64 == 0) {
    return _mm512_stream_ps(to, bit_copy<__m512>(value));
  }
#elif defined(GRADMINT_LEVEL_AVX2)
  if (reinterpret_cast<std::uintptr_t>(to) % 32 == 0) {
    return _mm256_stream_ps(to, bit_copy<__m256>(value));
  }
#endif
  whole.store(to, value);
}
GRADMINT_RULE void store_past(Part part, float* to, Narrow::F32 value) { part.store(to, value); }

// Such stores are seen by whoever looks after this.
GRADMINT_RULE void end_of_stores_past() {
#if defined(GRADMINT_LEVEL_AVX512) || defined(GRADMINT_LEVEL_AVX2)
  _mm_sfence();
#endif
}

// The largest lane of what body(c, access) gives for every vector of `count` values. That of the
// last part is looked at by itself: where it copies bytes by a call, a vector that lives on behind
// it would lie in memory all the time.
template <class Body>
GRADMINT_RULE std::int32_t largest_over(std::size_t count, Body body) {
  using L = Narrow;
  auto largest = L::all(std::int32_t{0});
  std::size_t c = 0;
  for (; c + L::width <= count; c += L::width) {
    largest = larger(largest, body(c, Whole{}));
  }
  std::int32_t most = lanes_largest(largest);
  if constexpr (L::width > 1) {
    if (c < count) most = larger(most, lanes_largest(body(c, Part{count - c})));
  }
  return most;
}

// What is stored of a whole vector, or of the last `left` values, `each` bytes a value.
template <class V>
GRADMINT_RULE void put(Whole, std::byte* to, V packed, std::size_t) {
  memcpy(to, &packed, sizeof packed);
}
template <class V>
GRADMINT_RULE void put(Part part, std::byte* to, V packed, std::size_t each) {
  memcpy(to, &packed, part.left * each);
}

}  // namespace
}  // namespace gradmint::kernels
