// The exponents and shifts of the weighted mean, as pure integer functions (design: the numeric
// law, weighted mean). The worker declares an exponent, the coordinator chooses E and s at the
// close of commitments, and the ledger re-derives both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gradmint::kernels {

inline constexpr std::size_t kMaxUpdates = 4095;
inline constexpr std::uint32_t kMaxWeight = 1u << 24;
inline constexpr int kNoExponent = -150;   // of zeros: below every exponent that there is
inline constexpr int kMinExponent = -149;  // 2^-149 is the smallest positive fp32
inline constexpr int kMaxExponent = 128;   // every finite fp32 is below 2^128
inline constexpr int kNotFiniteExponent = 129;
// How far apart the exponents of honest updates may lie: the largest value of one is at most 2^12
// times that of another.
inline constexpr int kHonestSpread = 12;

// The smallest e in [kMinExponent, kMaxExponent] with |x| <= 2^e, where `magnitude` holds the bits
// of |x|. Zero gives kNoExponent; an infinity or NaN gives kNotFiniteExponent.
int exponent_of_magnitude(std::uint32_t magnitude);

// The same for the largest |x| of `values`; nothing at all counts as zero.
int exponent_of_largest(std::span<const float> values);

// E: the largest of the exponents that is at most kHonestSpread above the middle one. The middle
// one of n is at place floor(n / 2) in ascending order (the upper median), zeros (kNoExponent)
// counting as the lowest; where that is a zero, it is the upper median of those that have an
// exponent. kMinExponent where none has one. At least one update (checked). An update is
// out_of_range when its exponent is above E.
//
// Let honest exponents lie within [a, h], h <= a + kHonestSpread, or be kNoExponent, whatever the
// others declare. If at most floor(n / 2) of all lie below a and fewer than n / 2 above h, then
// h <= E <= h + kHonestSpread: no honest update is out_of_range, and the weighted mean with
// choose_shift is less than n * 2^-38 of the largest honest value away from the exact one (2^-38
// where weights are equal). For more of either, no rule over exponents can hold this
// (docs/decisions/0015).
int choose_round_exponent(std::span<const int> exponents);

// s: the largest integer with 2^E * largest_weight * 2^s <= 2^51, that is
// 51 - E - ceil(log2(largest_weight)). E in [kMinExponent, kMaxExponent], largest_weight in
// [1, kMaxWeight] (checked).
int choose_shift(int round_exponent, std::uint32_t largest_weight);

}  // namespace gradmint::kernels
