#include "ledger/model/float_decode.h"

#include <bit>
#include <cstring>

#include "kernels/base/check.h"

namespace gradmint {
namespace {

constexpr std::uint32_t kNegativeZero = 0x80000000u;

float without_negative_zero(std::uint32_t bits) {
  return std::bit_cast<float>(bits == kNegativeZero ? 0u : bits);
}

// binary16 to binary32 in integers: every value of the one is a value of the other.
std::uint32_t widen_half(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t exponent = half >> 10 & 0x1fu;
  const std::uint32_t fraction = half & 0x3ffu;
  if (exponent == 0x1f) return sign | 0x7f800000u | fraction << 13;
  if (exponent != 0) return sign | (exponent + 112) << 23 | fraction << 13;
  if (fraction == 0) return sign;
  // fraction * 2^-24: the leading bit becomes the hidden one.
  const auto width = static_cast<std::uint32_t>(std::bit_width(fraction));
  return sign | (width + 102) << 23 | (fraction << (24 - width) & 0x7fffffu);
}

template <class Stored, class Widen>
void decode_all(std::span<const std::uint8_t> bytes, std::span<float> values, Widen widen) {
  GRADMINT_CHECK(bytes.size() == values.size() * sizeof(Stored));
  for (std::size_t i = 0; i < values.size(); ++i) {
    Stored stored;
    std::memcpy(&stored, bytes.data() + i * sizeof stored, sizeof stored);
    values[i] = without_negative_zero(widen(stored));
  }
}

}  // namespace

bool is_decodable(std::string_view dtype) {
  return dtype == "F32" || dtype == "BF16" || dtype == "F16";
}

void decode_floats(std::string_view dtype, std::span<const std::uint8_t> bytes,
                   std::span<float> values) {
  GRADMINT_CHECK(is_decodable(dtype));
  if (dtype == "F32") {
    decode_all<std::uint32_t>(bytes, values, [](std::uint32_t x) { return x; });
  } else if (dtype == "BF16") {
    decode_all<std::uint16_t>(bytes, values,
                              [](std::uint16_t x) { return static_cast<std::uint32_t>(x) << 16; });
  } else {
    decode_all<std::uint16_t>(bytes, values, widen_half);
  }
}

bool has_negative_zero(std::span<const float> values) {
  std::size_t found = 0;  // counted, not searched for: that runs over vectors of values
  for (const float x : values) found += std::bit_cast<std::uint32_t>(x) == kNegativeZero ? 1 : 0;
  return found != 0;
}

}  // namespace gradmint
