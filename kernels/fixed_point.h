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
inline constexpr int kMinExponent = -149;  // 2^-149 is the smallest positive fp32
inline constexpr int kMaxExponent = 128;   // every finite fp32 is below 2^128
inline constexpr int kNotFiniteExponent = 129;
inline constexpr int kExponentAboveMedian = 10;

// The smallest e in [kMinExponent, kMaxExponent] with |x| <= 2^e, where `magnitude` holds the bits
// of |x|. Zero gives kMinExponent; an infinity or NaN gives kNotFiniteExponent.
int exponent_of_magnitude(std::uint32_t magnitude);

// The same for the largest |x| of `values`; nothing at all counts as zero.
int exponent_of_largest(std::span<const float> values);

// E = min(largest exponent, lower median of the exponents + 10). The lower median of n exponents is
// the one at place floor((n - 1) / 2) in ascending order. At least one exponent (checked).
// An update is out_of_range when its exponent is above E.
int choose_round_exponent(std::span<const int> exponents);

// s: the largest integer with 2^E * largest_weight * 2^s <= 2^51, that is
// 51 - E - ceil(log2(largest_weight)). E in [kMinExponent, kMaxExponent], largest_weight in
// [1, kMaxWeight] (checked).
int choose_shift(int round_exponent, std::uint32_t largest_weight);

}  // namespace gradmint::kernels
