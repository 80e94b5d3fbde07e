// The value types a rule is written over: one coordinate (any compiler, and CUDA threads) or W
// coordinates at a time (GCC vector types, which AVX2 and AVX-512 hold in one or two registers).
// A rule is a template over `Lanes<W>`; its operators mean the same on every width, so one source
// gives the same bits everywhere.
//
// Everything here and in the *_rule.h files is forced inline: the same header is compiled once per
// instruction set, and a function left out of line could be merged by the linker with one that
// another machine cannot run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

// A rule is read by half of the project, and immintrin.h is longer than all of the standard headers
// there.
#if defined(GRADMINT_LEVEL_AVX2) || defined(GRADMINT_LEVEL_AVX512)
#include <immintrin.h>
#elif !defined(__CUDA_ARCH__)
#include <xmmintrin.h>
#endif

#if defined(__CUDACC__)
#define GRADMINT_RULE __host__ __device__ __forceinline__
#else
#define GRADMINT_RULE [[gnu::always_inline]] inline
#endif

namespace gradmint::kernels {

// The same bytes as another type of the same size.
template <class To, class From>
GRADMINT_RULE To bit_copy(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}

// W = 1: plain types. Wider ones (4, 8, 16) exist in cpu_kernels.cc only, where the instructions
// for them are allowed; they are spelled out by a macro because GCC loses a vector type's width
// when it depends on a template parameter.
template <int W>
struct Lanes;

template <>
struct Lanes<1> {
  static constexpr int width = 1;
  using F32 = float;
  using I32 = std::int32_t;
  using F64 = double;
  using I64 = std::int64_t;
  using U64 = std::uint64_t;

  GRADMINT_RULE static F64 widen(F32 x) { return static_cast<double>(x); }
  GRADMINT_RULE static F32 narrow(F64 x) { return static_cast<float>(x); }
  GRADMINT_RULE static F64 from_integer(I64 x) { return static_cast<double>(x); }
  GRADMINT_RULE static I64 widen_integer(I32 x) { return x; }
  GRADMINT_RULE static F32 to_float(I32 x) { return static_cast<float>(x); }  // |x| <= 2^24
  GRADMINT_RULE static F64 to_double(I32 x) { return static_cast<double>(x); }
  GRADMINT_RULE static I32 one_if(bool held) { return held ? 1 : 0; }
  GRADMINT_RULE static I32 one_if_wide(bool held) { return held ? 1 : 0; }
  GRADMINT_RULE static F32 all(float x) { return x; }
  GRADMINT_RULE static I32 all(std::int32_t x) { return x; }
};

#if defined(GRADMINT_LEVEL_AVX2) || defined(GRADMINT_LEVEL_AVX512)

// Conversions that fill a register of 64-bit lanes. __builtin_convertvector would do, but GCC 12
// splits it into halves and joins them again, through memory on AVX2, and counts integers one by
// one there: the trimmed mean of 16 took twice as long.
#if defined(GRADMINT_LEVEL_AVX512)
inline constexpr std::size_t kRegisterBytes = 64;
GRADMINT_RULE __m512d widen_register(__m256 x) { return _mm512_cvtps_pd(x); }
GRADMINT_RULE __m256 narrow_register(__m512d x) { return _mm512_cvtpd_ps(x); }
GRADMINT_RULE __m512i widen_register(__m256i x) { return _mm512_cvtepi32_epi64(x); }
GRADMINT_RULE __m512d integers_register(__m512i x) { return _mm512_cvtepi64_pd(x); }
GRADMINT_RULE __m512d doubles_register(__m256i x) { return _mm512_cvtepi32_pd(x); }
using HalfFloats = __m256;
using HalfIntegers = __m256i;
using Doubles = __m512d;
using Integers = __m512i;
#else
inline constexpr std::size_t kRegisterBytes = 32;
GRADMINT_RULE __m256d widen_register(__m128 x) { return _mm256_cvtps_pd(x); }
GRADMINT_RULE __m128 narrow_register(__m256d x) { return _mm256_cvtpd_ps(x); }
GRADMINT_RULE __m256i widen_register(__m128i x) { return _mm256_cvtepi32_epi64(x); }
GRADMINT_RULE __m256d doubles_register(__m128i x) { return _mm256_cvtepi32_pd(x); }
// The upper half as 2^84 + 2^63 + upper * 2^32, the lower as 2^52 + lower: both exact, as is their
// difference from the constants, so the one addition at the end rounds as a conversion does.
GRADMINT_RULE __m256d integers_register(__m256i x) {
  const __m256i upper =
      _mm256_xor_si256(_mm256_srli_epi64(x, 32), _mm256_set1_epi64x(0x4530000080000000LL));
  const __m256i lower = _mm256_blend_epi32(_mm256_set1_epi64x(0x4330000000000000LL), x, 0x55);
  return _mm256_add_pd(
      _mm256_sub_pd(_mm256_castsi256_pd(upper), _mm256_set1_pd(0x1p84 + 0x1p63 + 0x1p52)),
      _mm256_castsi256_pd(lower));
}
using HalfFloats = __m128;
using HalfIntegers = __m128i;
using Doubles = __m256d;
using Integers = __m256i;
#endif

template <class To, class F32>
GRADMINT_RULE To widen_vector(F32 x) {
  if constexpr (sizeof(To) == kRegisterBytes) {
    return bit_copy<To>(widen_register(bit_copy<HalfFloats>(x)));
  } else {
    return __builtin_convertvector(x, To);
  }
}
template <class To, class F64>
GRADMINT_RULE To narrow_vector(F64 x) {
  if constexpr (sizeof(F64) == kRegisterBytes) {
    return bit_copy<To>(narrow_register(bit_copy<Doubles>(x)));
  } else {
    return __builtin_convertvector(x, To);
  }
}
template <class To, class I64>
GRADMINT_RULE To integers_vector(I64 x) {
  if constexpr (sizeof(To) == kRegisterBytes) {
    return bit_copy<To>(integers_register(bit_copy<Integers>(x)));
  } else {
    return __builtin_convertvector(x, To);
  }
}
template <class To, class I32>
GRADMINT_RULE To widen_integers(I32 x) {
  if constexpr (sizeof(To) == kRegisterBytes) {
    return bit_copy<To>(widen_register(bit_copy<HalfIntegers>(x)));
  } else {
    return __builtin_convertvector(x, To);
  }
}

template <class To, class I32>
GRADMINT_RULE To doubles_vector(I32 x) {
  if constexpr (sizeof(To) == kRegisterBytes) {
    return bit_copy<To>(doubles_register(bit_copy<HalfIntegers>(x)));
  } else {
    return __builtin_convertvector(x, To);
  }
}

#define GRADMINT_WIDE_LANES(W)                                                                     \
  template <>                                                                                      \
  struct Lanes<W> {                                                                                \
    static constexpr int width = W;                                                                \
    typedef float F32 __attribute__((vector_size((W)*4)));                                         \
    typedef std::int32_t I32 __attribute__((vector_size((W)*4)));                                  \
    typedef double F64 __attribute__((vector_size((W)*8)));                                        \
    typedef std::int64_t I64 __attribute__((vector_size((W)*8)));                                  \
    typedef std::uint64_t U64 __attribute__((vector_size((W)*8)));                                 \
    GRADMINT_RULE static F64 widen(F32 x) { return widen_vector<F64>(x); }                         \
    GRADMINT_RULE static F32 narrow(F64 x) { return narrow_vector<F32>(x); }                       \
    GRADMINT_RULE static F64 from_integer(I64 x) { return integers_vector<F64>(x); }               \
    GRADMINT_RULE static I64 widen_integer(I32 x) { return widen_integers<I64>(x); }               \
    GRADMINT_RULE static F32 to_float(I32 x) { return __builtin_convertvector(x, F32); }           \
    GRADMINT_RULE static F64 to_double(I32 x) { return doubles_vector<F64>(x); }                   \
    /* 1 where the comparison held, 0 elsewhere (a vector comparison gives -1), from one of        \
       32-bit values and from one of 64-bit ones. */                                               \
    GRADMINT_RULE static I32 one_if(I32 mask) { return -mask; }                                    \
    GRADMINT_RULE static I32 one_if_wide(I64 mask) { return __builtin_convertvector(-mask, I32); } \
    GRADMINT_RULE static F32 all(float x) { return x - F32{}; }                                    \
    GRADMINT_RULE static I32 all(std::int32_t x) { return x - I32{}; }                             \
  };
GRADMINT_WIDE_LANES(4)
GRADMINT_WIDE_LANES(8)
GRADMINT_WIDE_LANES(16)
#undef GRADMINT_WIDE_LANES
#endif

// -0 becomes +0; every other value stays (round to nearest: -0 + +0 = +0).
template <class F>
GRADMINT_RULE F canonical(F x) {
  return x + 0.0f;
}

// The square root, rounded to nearest even: an instruction on every machine, never a library call.
template <class L>
GRADMINT_RULE typename L::F32 root(typename L::F32 x) {
#if defined(__CUDA_ARCH__)
  return __fsqrt_rn(x);
#else
  if constexpr (L::width == 1) {
    return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x)));
  } else if constexpr (L::width == 4) {
    return bit_copy<typename L::F32>(_mm_sqrt_ps(bit_copy<__m128>(x)));
#if defined(GRADMINT_LEVEL_AVX2) || defined(GRADMINT_LEVEL_AVX512)
  } else if constexpr (L::width == 8) {
    return bit_copy<typename L::F32>(_mm256_sqrt_ps(bit_copy<__m256>(x)));
#endif
#if defined(GRADMINT_LEVEL_AVX512)
  } else if constexpr (L::width == 16) {
    return bit_copy<typename L::F32>(_mm512_sqrt_ps(bit_copy<__m512>(x)));
#endif
  }
#endif
}

template <class I>
GRADMINT_RULE I smaller(I a, I b) {
  return a < b ? a : b;
}
template <class I>
GRADMINT_RULE I larger(I a, I b) {
  return a < b ? b : a;
}

// |x| as an integer: it orders finite magnitudes, and is at least 0x7f800000 for what is not
// finite.
template <class L>
GRADMINT_RULE typename L::I32 magnitude(typename L::F32 x) {
  return bit_copy<typename L::I32>(x) & 0x7fffffff;
}
inline constexpr std::int32_t kInfinityMagnitude = 0x7f800000;

}  // namespace gradmint::kernels
