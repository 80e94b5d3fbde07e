// Weighted mean, per coordinate (design: the numeric law, weighted mean).
//
//   term_i = round to nearest even( fp64(x_i) * factor_i ),  factor_i = (w_i * clip_i) * 2^s
//   A      = sum of term_i in int64
//   mean   = fp32( fp64(A) / fp64(sum of w) * 2^-s ), and -0 becomes +0
//
// The caller has chosen s so that |term| <= 2^51 and n <= 4095: the sum cannot overflow. x * w has
// at most 48 significant bits, so without a clip factor the product is exact and the term is
// rounded once.
//
// A term within 2^51 is rounded by adding 1.5 * 2^52: the sum lies in [2^52, 2^53], where one unit
// in the last place is 1, so the addition itself rounds to an integer and the bits are that integer
// plus a constant. The constant is taken off once, at the end (all modulo 2^64).
//
// Tried on the CPU, in a loop of its own over arrays at cache lines, as shares of the run's memcpy
// (16 updates, one thread, AVX-512, a busy machine, best of 3): four updates at once over a tile 38
// to 42 %; eight 56 %; sixteen with their sums in registers 72 %; the same with every row asked for
// 2 KiB ahead 81 %. The whole pass with its step: 81 to 88 % (5 runs; one more where memcpy was
// disturbed); AVX2 63 % (one run). Reading sixteen rows and doing nothing gives 92 %, so memory
// bounds it.
#pragma once

#include "kernels/lanes.h"

namespace gradmint::kernels {

inline constexpr double kRoundingBias = 6755399441055744.0;  // 1.5 * 2^52
inline constexpr std::uint64_t kRoundingBiasBits = 0x4338000000000000ULL;

template <class L>
GRADMINT_RULE typename L::U64 biased_term(typename L::F32 x, double factor) {
  return bit_copy<typename L::U64>(L::widen(x) * factor + kRoundingBias);
}

// Whether the product with an fp32 is exact: a weight times a power of two is such a factor, a
// power of two itself, and most clip factors are not.
GRADMINT_RULE bool has_few_bits(double factor) {  // 29 significant ones
  return (bit_copy<std::uint64_t>(factor) & 0xffffff) == 0;
}

// The same for such a factor, 2^-900 <= |x| * unit or x = 0: the product is exact, so that adding
// the bias to it in one operation, where the level has it, changes no bit.
template <class L>
GRADMINT_RULE typename L::U64 biased_unit_term(typename L::F32 x, double unit) {
#if defined(GRADMINT_LEVEL_AVX512)
  if constexpr (L::width == 8) {
    return bit_copy<typename L::U64>(_mm512_fmadd_pd(
        bit_copy<__m512d>(L::widen(x)), _mm512_set1_pd(unit), _mm512_set1_pd(kRoundingBias)));
  } else
#endif
  {
    return biased_term<L>(x, unit);
  }
}

// What turns a sum of biased terms into the mean.
struct MeanFinish {
  std::uint64_t bias = 0;     // n * kRoundingBiasBits, modulo 2^64
  double total_weight = 1.0;  // sum of w, exact
  double unscale = 1.0;       // 2^-s
};

template <class L>
GRADMINT_RULE typename L::F32 finish_mean(typename L::U64 sum, const MeanFinish& finish) {
  const auto exact = bit_copy<typename L::I64>(sum - finish.bias);
  return canonical(L::narrow(L::from_integer(exact) / finish.total_weight * finish.unscale));
}

}  // namespace gradmint::kernels
