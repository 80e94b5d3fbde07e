// Integer dot products of one block for one CPU level (cpu_level.cc only). The sum is exact, so how
// it is taken is each level's own affair: the result is one integer.
//
// |q| <= 16383, so one multiply-add of pairs stays below 2^29.0 and four of them added stay below
// 2^31 (8 * 16383^2 = 2147221512): sums are widened to 64 bits after every fourth.
#pragma once

#include "kernels/lanes.h"

#if defined(GRADMINT_LEVEL_AVX512) || defined(GRADMINT_LEVEL_AVX2)
#include <immintrin.h>
#endif

namespace gradmint::kernels {
namespace {

#if defined(GRADMINT_LEVEL_AVX512)

typedef std::int16_t Block16 __attribute__((vector_size(32)));

GRADMINT_RULE Block16 narrow_block(Lanes<16>::I32 q) {
  return bit_copy<Block16>(_mm512_cvtepi32_epi16(bit_copy<__m512i>(q)));
}

inline std::int64_t dot_block(const std::int16_t* a, const std::int16_t* b, std::size_t count) {
  __m512i total = _mm512_setzero_si512();
  for (std::size_t c = 0; c < count; c += 128) {
    __m512i part = _mm512_madd_epi16(_mm512_loadu_si512(a + c), _mm512_loadu_si512(b + c));
    for (std::size_t k = 32; k < 128; k += 32) {
      part = _mm512_add_epi32(
          part, _mm512_madd_epi16(_mm512_loadu_si512(a + c + k), _mm512_loadu_si512(b + c + k)));
    }
    total = _mm512_add_epi64(total, _mm512_cvtepi32_epi64(_mm512_castsi512_si256(part)));
    total = _mm512_add_epi64(total, _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(part, 1)));
  }
  std::int64_t lanes[8];
  memcpy(lanes, &total, sizeof lanes);
  std::int64_t sum = 0;
  for (const std::int64_t lane : lanes) sum += lane;
  return sum;
}

#elif defined(GRADMINT_LEVEL_AVX2)

typedef std::int16_t Block16 __attribute__((vector_size(16)));

GRADMINT_RULE Block16 narrow_block(Lanes<8>::I32 q) {
  const __m256i all = bit_copy<__m256i>(q);
  return bit_copy<Block16>(
      _mm_packs_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1)));
}

inline std::int64_t dot_block(const std::int16_t* a, const std::int16_t* b, std::size_t count) {
  const auto load = [](const std::int16_t* from) __attribute__((always_inline)) {
    __m256i value;
    memcpy(&value, from, sizeof value);
    return value;
  };
  __m256i total = _mm256_setzero_si256();
  for (std::size_t c = 0; c < count; c += 64) {
    __m256i part = _mm256_madd_epi16(load(a + c), load(b + c));
    for (std::size_t k = 16; k < 64; k += 16) {
      part = _mm256_add_epi32(part, _mm256_madd_epi16(load(a + c + k), load(b + c + k)));
    }
    total = _mm256_add_epi64(total, _mm256_cvtepi32_epi64(_mm256_castsi256_si128(part)));
    total = _mm256_add_epi64(total, _mm256_cvtepi32_epi64(_mm256_extracti128_si256(part, 1)));
  }
  std::int64_t lanes[4];
  memcpy(lanes, &total, sizeof lanes);
  return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

#else

GRADMINT_RULE std::int16_t narrow_block(std::int32_t q) { return static_cast<std::int16_t>(q); }

inline std::int64_t dot_block(const std::int16_t* a, const std::int16_t* b, std::size_t count) {
  std::int64_t sum = 0;
  for (std::size_t c = 0; c < count; ++c) sum += std::int32_t{a[c]} * std::int32_t{b[c]};
  return sum;
}

#endif

}  // namespace
}  // namespace gradmint::kernels
