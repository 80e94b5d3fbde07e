#include "ledger/model/float_decode.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

using namespace gradmint;

namespace {

std::vector<float> decode(const char* dtype, const std::vector<std::uint16_t>& stored) {
  std::vector<std::uint8_t> bytes(stored.size() * 2);
  std::memcpy(bytes.data(), stored.data(), bytes.size());
  std::vector<float> values(stored.size());
  decode_floats(dtype, bytes, values);
  return values;
}

// The definition: sign, exponent with a bias, fraction; the lowest exponent without a hidden bit.
double by_definition(std::uint32_t bits, int exponent_bits, int fraction_bits) {
  const std::uint32_t fraction = bits & ((1u << fraction_bits) - 1);
  const int exponent = static_cast<int>(bits >> fraction_bits & ((1u << exponent_bits) - 1));
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const double sign = (bits >> (exponent_bits + fraction_bits)) != 0 ? -1.0 : 1.0;
  if (exponent == (1 << exponent_bits) - 1) return fraction == 0 ? sign * INFINITY : NAN;
  const double hidden = exponent == 0 ? 0.0 : 1.0;
  return sign * std::ldexp(hidden + std::ldexp(fraction, -fraction_bits),
                           (exponent == 0 ? 1 : exponent) - bias);
}

}  // namespace

TEST_CASE("every 16-bit float becomes the same fp32 value, and -0 becomes +0") {
  std::vector<std::uint16_t> all(65536);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
  const std::vector<float> halves = decode("F16", all);
  const std::vector<float> brains = decode("BF16", all);
  std::size_t wrong = 0;
  const auto same = [](float got, double expected) {
    if (std::isnan(expected)) return std::isnan(got);
    if (expected == 0.0) return std::bit_cast<std::uint32_t>(got) == 0u;
    return static_cast<double>(got) == expected;
  };
  for (std::uint32_t i = 0; i < 65536; ++i) {
    wrong += same(halves[i], by_definition(i, 5, 10)) ? 0 : 1;
    wrong += same(brains[i], by_definition(i, 8, 7)) ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("fp32 stays as it is, but for -0") {
  const std::vector<float> stored = {1.5f, -0.0f, 0.0f, -1e-45f, 3.4e38f};
  CHECK(has_negative_zero(stored));
  std::vector<std::uint8_t> bytes(stored.size() * 4);
  std::memcpy(bytes.data(), stored.data(), bytes.size());
  std::vector<float> values(stored.size());
  decode_floats("F32", bytes, values);
  CHECK_FALSE(has_negative_zero(values));
  CHECK(values == stored);
  CHECK(is_decodable("BF16"));
  CHECK_FALSE(is_decodable("F64"));
  CHECK_FALSE(is_decodable("I32"));
}
