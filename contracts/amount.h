// Token amounts: unsigned 64-bit base units, 10^9 of them to a token. Overflow is an absent value,
// never a wrap. Pure and thread safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gradmint::contracts {

inline constexpr int kAmountDecimals = 9;
inline constexpr std::uint64_t kUnitsPerToken = 1'000'000'000;
// Rules compute in int64, so no supply and no pool may exceed this.
inline constexpr std::uint64_t kMaxAmount = 0x7FFF'FFFF'FFFF'FFFF;

// a + b and a - b, or nothing where the result does not fit.
std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b);
std::optional<std::uint64_t> checked_sub(std::uint64_t a, std::uint64_t b);

// floor(a * b / divisor) through a 128-bit product; nothing when divisor is 0 or the result does
// not fit.
std::optional<std::uint64_t> muldiv(std::uint64_t a, std::uint64_t b, std::uint64_t divisor);

// "12", "1.25", "0.000000001" in tokens to base units. Nothing for a sign, a space, an exponent, a
// separator, a missing digit on either side of the point, a tenth decimal or an overflow.
std::optional<std::uint64_t> parse_amount(std::string_view text);

// The shortest text that parse_amount reads back: "1.25", "12", "0".
std::string format_amount(std::uint64_t amount);

}  // namespace gradmint::contracts
