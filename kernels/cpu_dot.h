// Integer dot products of one block for one CPU level (cpu_kernels.cc only). The sums are exact, so
// how they are taken is each level's own affair: the result is one integer.
//
// |q| <= 16383, so one multiply-add of pairs stays below 2^29.0, and four of them added to at most
// 65535 stay below 2^31 (8 * 16383^2 + 65535 = 2147287047): after every fourth the upper 16 bits of
// a 32-bit sum are moved to a sum of their own, and the lower ones stay.
//
// Tried on one AVX-512 thread, 16 rows in the second-level cache, GMAC/s: upper halves moved, row
// by row, rows 16 bytes into a cache line 58; rows at cache lines 93; four rows by two, so that
// what is loaded is used several times, 115; four by four 114, three by three 102. VNNI's
// multiply-add into the sum (_mm512_dpwssd_epi32): 33 row by row, since it waits for itself, 135 at
// four by two, a twentieth of the Gram matrix: not taken, since it would be a level of its own.
// AVX2: row by row 45, two by one 53, all others 42 to 55. Bound: one multiply-add of registers for
// each cycle.
//
// The whole Gram matrix of 16 updates, shares of the run's memcpy (medians of 3 runs, a busy
// machine), AVX-512: sums widened to 64 bits after every fourth, row by row 32 %; all of the above
// 31 %, for most of the time went into finding each block's largest magnitude (cpu_lanes.h,
// largest_lane); without that 44 %; with each row's block asked for while the one before is scaled
// 48 %; 52 % since lanes are summed in registers. Panels of 1024 or 2048 coordinates that stay in
// the first-level cache: 40 and 45 %. Norms: 43 % at first, 70 %, 82 % with blocks asked for.
// Bound: norms by reading memory; the Gram matrix half by that and a third by the multiply-adds.
#pragma once

#include "kernels/blocks_rule.h"
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

using Integers32 = Lanes<16>::I32;
constexpr std::size_t kTileRows = 4;
constexpr std::size_t kTileColumns = 2;

GRADMINT_RULE Integers32 multiply_pairs(const std::int16_t* a, const std::int16_t* b) {
  return bit_copy<Integers32>(_mm512_madd_epi16(_mm512_loadu_si512(a), _mm512_loadu_si512(b)));
}

// Below 2^31: 16 lanes of at most 65535, or of at most 32 upper halves.
GRADMINT_RULE std::int64_t sum_of_lanes(Integers32 value) {
  return _mm512_reduce_add_epi32(bit_copy<__m512i>(value));
}

#elif defined(GRADMINT_LEVEL_AVX2)

typedef std::int16_t Block16 __attribute__((vector_size(16)));

GRADMINT_RULE Block16 narrow_block(Lanes<8>::I32 q) {
  const __m256i all = bit_copy<__m256i>(q);
  return bit_copy<Block16>(
      _mm_packs_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1)));
}

using Integers32 = Lanes<8>::I32;
constexpr std::size_t kTileRows = 2;
constexpr std::size_t kTileColumns = 1;

GRADMINT_RULE Integers32 multiply_pairs(const std::int16_t* a, const std::int16_t* b) {
  __m256i left;
  __m256i right;
  memcpy(&left, a, sizeof left);
  memcpy(&right, b, sizeof right);
  return bit_copy<Integers32>(_mm256_madd_epi16(left, right));
}

GRADMINT_RULE std::int64_t sum_of_lanes(Integers32 value) {
  const __m256i all = bit_copy<__m256i>(value);
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1)));
}

#else

GRADMINT_RULE std::int16_t narrow_block(std::int32_t q) { return static_cast<std::int16_t>(q); }

#endif

#if defined(GRADMINT_LEVEL_AVX512) || defined(GRADMINT_LEVEL_AVX2)

// out[i * n + j]: the product of row a + i and row b + j.
template <std::size_t Rows, std::size_t Columns>
GRADMINT_RULE void dot_tile(const std::int16_t* a, const std::int16_t* b, std::size_t count,
                            std::size_t n, std::int64_t* out) {
  constexpr std::size_t kStep = sizeof(Integers32) / sizeof(std::int16_t);
  Integers32 low[Rows][Columns]{};
  Integers32 high[Rows][Columns]{};
  for (std::size_t c = 0; c < count; c += 4 * kStep) {
#pragma GCC unroll 4
    for (std::size_t k = c; k < c + 4 * kStep; k += kStep) {
#pragma GCC unroll 4
      for (std::size_t j = 0; j < Columns; ++j) {
#pragma GCC unroll 4
        for (std::size_t i = 0; i < Rows; ++i) {
          low[i][j] = low[i][j] + multiply_pairs(a + i * kBlockSize + k, b + j * kBlockSize + k);
        }
      }
    }
    for (std::size_t i = 0; i < Rows; ++i) {
      for (std::size_t j = 0; j < Columns; ++j) {
        high[i][j] = high[i][j] + (low[i][j] >> 16);
        low[i][j] = low[i][j] & 0xffff;
      }
    }
  }
  for (std::size_t i = 0; i < Rows; ++i) {
    for (std::size_t j = 0; j < Columns; ++j) {
      out[i * n + j] = sum_of_lanes(high[i][j]) * 65536 + sum_of_lanes(low[i][j]);
    }
  }
}

void dot_rows(const std::int16_t* rows, std::size_t n, std::size_t count, std::int64_t* out) {
  std::size_t i = 0;
  for (; i + kTileRows <= n; i += kTileRows) {
    const std::int16_t* own = rows + i * kBlockSize;
    std::size_t j = 0;
    for (; j + kTileColumns <= i + kTileRows; j += kTileColumns) {
      dot_tile<kTileRows, kTileColumns>(own, rows + j * kBlockSize, count, n, out + i * n + j);
    }
  }
  for (; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      dot_tile<1, 1>(rows + i * kBlockSize, rows + j * kBlockSize, count, n, out + i * n + j);
    }
  }
}

#else

void dot_rows(const std::int16_t* rows, std::size_t n, std::size_t count, std::int64_t* out) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      std::int64_t sum = 0;
      for (std::size_t c = 0; c < count; ++c) {
        sum += std::int32_t{rows[i * kBlockSize + c]} * std::int32_t{rows[j * kBlockSize + c]};
      }
      out[i * n + j] = sum;
    }
  }
}

#endif

}  // namespace
}  // namespace gradmint::kernels
