// Integers of 128 and 256 bits, for sums of squares and what is compared with them. Pure.
#pragma once

#include <compare>
#include <cstdint>

namespace gradmint {

__extension__ typedef unsigned __int128 U128;
__extension__ typedef __int128 I128;

constexpr U128 magnitude(I128 value) {
  return value < 0 ? U128{0} - static_cast<U128>(value) : static_cast<U128>(value);
}
constexpr int bit_length(U128 value) {
  int bits = 0;
  for (; value != 0; value >>= 1) ++bits;
  return bits;
}

// What products of two 128-bit integers need. Nothing here can leave 256 bits unless its comment
// says so.
struct U256 {
  U128 high = 0, low = 0;
  constexpr auto operator<=>(const U256&) const = default;
};

constexpr U256 multiply(U128 a, U128 b) {
  constexpr U128 kLow = ~std::uint64_t{0};
  const U128 a0 = a & kLow, a1 = a >> 64, b0 = b & kLow, b1 = b >> 64;
  const U128 low = a0 * b0, left = a1 * b0, right = a0 * b1;
  const U128 middle = (low >> 64) + (left & kLow) + (right & kLow);
  return {a1 * b1 + (left >> 64) + (right >> 64) + (middle >> 64), (middle << 64) | (low & kLow)};
}

// Precondition: the product has 256 bits at most.
constexpr U256 multiply(const U256& a, std::uint64_t b) {
  U256 product = multiply(a.low, b);
  product.high += a.high * b;
  return product;
}

// Precondition: the sum has 256 bits at most.
constexpr U256 add(const U256& a, U128 b) {
  const U128 low = a.low + b;
  return {a.high + (low < b ? 1 : 0), low};
}

// Precondition: b <= a.
constexpr U256 subtract(const U256& a, const U256& b) {
  return {a.high - b.high - (a.low < b.low ? 1 : 0), a.low - b.low};
}

constexpr int bit_length(const U256& value) {
  return value.high != 0 ? 128 + bit_length(value.high) : bit_length(value.low);
}

// Precondition: bits < 256, and nothing is shifted out.
constexpr U256 shift_left(const U256& value, int bits) {
  if (bits == 0) return value;
  if (bits >= 128) return {value.low << (bits - 128), 0};
  return {(value.high << bits) | (value.low >> (128 - bits)), value.low << bits};
}

// The largest integer whose square is at most `value`.
constexpr U128 square_root(const U256& value) {
  U128 root = 0;
  for (int bit = 127; bit >= 0; --bit) {
    const U128 larger = root | (U128{1} << bit);
    if (multiply(larger, larger) <= value) root = larger;
  }
  return root;
}

}  // namespace gradmint
