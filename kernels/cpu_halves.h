// Rows of bf16 and fp16 at one CPU level (cpu_decode.cc only): read into the mean's sums or a tile,
// and their median without a decoded copy.
//
// The order of 16-bit values is that of the fp32 values they stand for (0 and -0 are equal there,
// and give the same result), so the median's network runs on keys of 16 bits, twice as many to a
// register, and only what it chooses is converted.
//
// Tried (16 updates of 1e7, one thread, in ms beside fp32's in the same runs, a busy machine):
//   AVX-512, mean (fp32 25 to 30): the largest magnitude in a pass of its own, groups of 4 rows and
//     of 8 coordinates, nothing asked for ahead: bf16 41 to 44, fp16 60 to 66; as fp32 is read
//     (cpu_rows.h), fp16 by the processor's conversion: 28 to 33, 23 to 25; term and bias in one
//     operation where the product is exact: 25 to 26, 21.
//   AVX-512, median (fp32 30): decoded to a tile first: bf16 49, fp16 60 to 67; keys of 16 bits: 14
//     and 14. AVX2 (fp32 29): 58 and 93; 19 and 18.
//   AVX2, mean (fp32 35): 63 to 68, 105; 39, 32.
//   Scalar, mean (fp32 170, then 124): 108, 268; as fp32 was read, of which GCC makes no vectors
//     while the largest magnitude, at each value, waits for the one before: 209, 423; by blocks
//     (cpu_rows.h), fp16 still with a branch for denormals: 87, 265 in cache; without: 82, 144.
// Bound: the mean by its fp64 work, the same as fp32's, at the scalar level fp16 by its conversion;
// the median by reading memory.
#pragma once

#include "kernels/cpu_integers.h"
#include "kernels/cpu_network.h"
#include "kernels/cpu_rows.h"
#include "kernels/decode_rule.h"
#include "kernels/encoding.h"
#include "kernels/median_rule.h"

namespace gradmint::kernels {
namespace {

struct Half {
  std::byte bytes[2];
};

template <EncodingKind Kind>
struct HalfRow {
  const Half* values;
};

// 16 bits each to fp32. -0 stays what it is.
template <EncodingKind Kind, class Bits>
GRADMINT_RULE Narrow::F32 widen_halves(Bits halves) {
#if defined(GRADMINT_LEVEL_AVX512)
  const auto bits = bit_copy<__m256i>(halves);
  if constexpr (Kind == EncodingKind::fp16) return bit_copy<Narrow::F32>(_mm512_cvtph_ps(bits));
  return bit_copy<Narrow::F32>(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
#elif defined(GRADMINT_LEVEL_AVX2)
  const auto bits = bit_copy<__m128i>(halves);
  if constexpr (Kind == EncodingKind::fp16) return bit_copy<Narrow::F32>(_mm256_cvtph_ps(bits));
  return bit_copy<Narrow::F32>(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
#else
  const auto bits = std::int32_t{halves};
  if constexpr (Kind == EncodingKind::fp16) return fp16_value<Narrow>(bits);
  return bit_copy<float>(bits << 16);
#endif
}

#if defined(GRADMINT_LEVEL_AVX512) || defined(GRADMINT_LEVEL_AVX2)
typedef std::uint16_t Halves __attribute__((vector_size(2 * Narrow::width)));
#else
using Halves = std::uint16_t;
#endif

template <EncodingKind Kind, class Access>
GRADMINT_RULE Narrow::F32 read_row(HalfRow<Kind> row, std::size_t c, Access access) {
  if (c % 32 == 0) ask_for(reinterpret_cast<std::uintptr_t>(row.values + c) + kAheadBytes);
  return in_register(widen_halves<Kind>(access.template load<Halves>(row.values + c)));
}

GRADMINT_RULE const Half* halves_at(const EncodedRow& row, std::size_t at) {
  return reinterpret_cast<const Half*>(row.bytes) + at;
}

template <EncodingKind Kind>
GRADMINT_RULE std::int32_t half_magnitude(std::int32_t half) {
  return magnitude<Lanes<1>>(Kind == EncodingKind::bf16 ? bf16_value<Lanes<1>>(half)
                                                        : fp16_value<Lanes<1>>(half));
}

template <EncodingKind Kind>
GRADMINT_RULE HalfRow<Kind> row_from(HalfRow<Kind> row, std::size_t at) {
  return {row.values + at};
}
template <EncodingKind Kind>
GRADMINT_RULE const Half* values_of(HalfRow<Kind> row) {
  return row.values;
}
template <EncodingKind Kind>
GRADMINT_RULE std::int32_t largest_in_row(HalfRow<Kind> row, std::size_t count) {
  const auto* bytes = reinterpret_cast<const std::byte*>(row.values);
  return half_magnitude<Kind>(static_cast<std::int32_t>(largest_half(bytes, count)));
}

template <EncodingKind Kind>
void decode_halves(const Half* from, std::size_t count, float* out) {
  for_lanes<Narrow::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        access.store(out + c, canonical(read_row(HalfRow<Kind>{from}, c, access)));
      });
}

// -0 gives the term of 0.
template <EncodingKind Kind>
std::int32_t accumulate_halves(const EncodedRow* rows, const double* factors, std::size_t n,
                               std::size_t begin, std::size_t count, std::uint64_t* sums) {
  constexpr std::size_t kGroup = 16;
  std::int32_t largest = 0;
  for (std::size_t i = 0; i < n; i += kGroup) {
    const std::size_t here = n - i < kGroup ? n - i : kGroup;
    HalfRow<Kind> group[kGroup];
    for (std::size_t r = 0; r < here; ++r) group[r].values = halves_at(rows[i + r], begin);
    largest = larger(largest, accumulate_all(group, factors + i, here, count, sums));
  }
  return largest;
}

// --- median -------------------------------------------------------------------------------------

typedef std::int16_t HalfKeys __attribute__((vector_size(kScanBytes)));
constexpr std::size_t kHalfKeys = kScanBytes / sizeof(Half);
static_assert(kMedianTile % kHalfKeys == 0);

GRADMINT_RULE HalfKeys order_halves(HalfKeys bits) { return bits ^ ((bits >> 15) & 0x7fff); }

template <EncodingKind Kind>
struct PaddingHalves {
  std::uint16_t below[kMedianTile];
  std::uint16_t above[kMedianTile];
  constexpr PaddingHalves() : below{}, above{} {
    for (std::uint16_t& each : above) each = Kind == EncodingKind::bf16 ? 0x7f7f : 0x7bff;
    for (std::uint16_t& each : below) each = Kind == EncodingKind::bf16 ? 0xff7f : 0xfbff;
  }
};
template <EncodingKind Kind>
constexpr PaddingHalves<Kind> kPaddingHalves;

// The middle two of P rows as 16 bits, in tiles of kMedianTile. Returns the largest magnitude.
template <int P>
std::int32_t middle_halves(const Half* const (&rows)[P], std::size_t count, Half* lower,
                           Half* upper) {
  HalfKeys largest{};
  for_lanes<static_cast<int>(kHalfKeys)>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        HalfKeys keys[P];
        load_and_order<NetworkKind::middle>(
            keys, [&](int i) __attribute__((always_inline)) {
              if (c % 32 == 0) ask_for(reinterpret_cast<std::uintptr_t>(rows[i] + c) + kAheadBytes);
              const auto bits = in_register(access.template load<HalfKeys>(rows[i] + c));
              largest = larger(largest, bits & 0x7fff);
              keys[i] = order_halves(bits);
            });
        Whole{}.store(lower + c, order_halves(keys[P / 2 - 1]));
        Whole{}.store(upper + c, order_halves(keys[P / 2]));
      });
  const HalfKeys copy = in_register(largest);
  std::int16_t most = 0;
  for (std::size_t i = 0; i < kHalfKeys; ++i) most = larger(most, std::int16_t{copy[i]});
  return most;
}

template <EncodingKind Kind, int P>
std::int32_t network_middle_halves(const EncodedRow* rows, std::size_t n, std::size_t begin,
                                   std::size_t count, float* lower, float* upper) {
  const auto& padding = kPaddingHalves<Kind>;
  const Half* own[P];
  for (std::size_t i = 0; i < n; ++i) own[i] = halves_at(rows[i], begin);
  const Half* padded[P];
  pad_rows(own, n, reinterpret_cast<const Half*>(padding.below),
           reinterpret_cast<const Half*>(padding.above), padded);
  Half low[kMedianTile];
  Half high[kMedianTile];
  const std::int32_t largest = middle_halves<P>(padded, count, low, high);
  decode_halves<Kind>(low, count, lower);
  decode_halves<Kind>(n % 2 == 0 ? high : low, count, upper);
  return half_magnitude<Kind>(largest);
}

template <EncodingKind Kind>
std::int32_t middle_of_halves(const EncodedRow* rows, std::size_t n, std::size_t begin,
                              std::size_t count, float* lower, float* upper) {
  switch (network_width(static_cast<int>(n))) {
    case 4:
      return network_middle_halves<Kind, 4>(rows, n, begin, count, lower, upper);
    case 8:
      return network_middle_halves<Kind, 8>(rows, n, begin, count, lower, upper);
    case 16:
      return network_middle_halves<Kind, 16>(rows, n, begin, count, lower, upper);
    case 32:
      return network_middle_halves<Kind, 32>(rows, n, begin, count, lower, upper);
    default:
      return network_middle_halves<Kind, 64>(rows, n, begin, count, lower, upper);
  }
}

}  // namespace
}  // namespace gradmint::kernels
