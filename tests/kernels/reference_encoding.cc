#include "tests/kernels/reference_encoding.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace gradmint::test {
namespace {

using kernels::EncodingKind;

// Rounds to a multiple of 2^power, ties to even, in fp64: exact for fp32 values here.
double rounded(double x, int power) {
  const double scaled = std::ldexp(x, -power);
  double whole = std::floor(scaled);
  const double rest = scaled - whole;
  if (rest > 0.5 || (rest == 0.5 && std::fmod(whole, 2.0) != 0.0)) whole += 1.0;
  return std::ldexp(whole, power);
}

// To `digits` significant bits, none below 2^least.
float rounded_float(float x, int digits, int least) {
  if (x == 0.0f) return 0.0f;
  int exponent = 0;
  std::frexp(x, &exponent);  // |x| in [2^(exponent - 1), 2^exponent)
  return static_cast<float>(rounded(x, std::max(exponent - digits, least))) + 0.0f;
}

void round_block(std::span<float> block, double most) {
  double largest = 0;
  for (const float x : block) largest = std::max(largest, std::fabs(static_cast<double>(x)));
  int k = kernels::kMinBlockExponent;
  while (!(largest < std::ldexp(most + 0.5, k))) ++k;
  for (float& x : block) x = static_cast<float>(rounded(x, k)) + 0.0f;
}

void keep_largest(std::span<float> block, std::size_t keep) {
  std::vector<std::size_t> order(block.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::fabs(block[a]) > std::fabs(block[b]);
  });
  for (std::size_t i = keep; i < order.size(); ++i) block[order[i]] = 0.0f;
  for (float& x : block) x += 0.0f;
}

template <class Body>
void for_blocks(std::span<float> values, std::size_t size, Body body) {
  for (std::size_t first = 0; first < values.size(); first += size) {
    body(values.subspan(first, std::min(size, values.size() - first)));
  }
}

}  // namespace

float reference_half(std::uint16_t bits, EncodingKind kind) {
  const int fraction_bits = kind == EncodingKind::bf16 ? 7 : 10;
  const int exponent_bits = 15 - fraction_bits;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = (bits >> fraction_bits) & ((1 << exponent_bits) - 1);
  const int fraction = bits & ((1 << fraction_bits) - 1);
  if (exponent == (1 << exponent_bits) - 1) return std::numeric_limits<float>::infinity();
  const int whole = exponent == 0 ? fraction : fraction + (1 << fraction_bits);
  const double size = std::ldexp(whole, std::max(exponent, 1) - bias - fraction_bits);
  return static_cast<float>((bits & 0x8000) != 0 ? -size : size) + 0.0f;
}

std::vector<float> reference_decoded(const kernels::Encoding& encoding,
                                     std::span<const float> values) {
  std::vector<float> result(values.begin(), values.end());
  switch (encoding.kind) {
    case EncodingKind::fp32:
      for (float& x : result) x += 0.0f;
      break;
    case EncodingKind::bf16:
      for (float& x : result) x = rounded_float(x, 8, -133);
      break;
    case EncodingKind::fp16:
      for (float& x : result) x = rounded_float(x, 11, -24);
      break;
    case EncodingKind::int8:
      for_blocks(result, 256, [](std::span<float> block) { round_block(block, 127); });
      break;
    case EncodingKind::int4:
      for_blocks(result, 256, [](std::span<float> block) { round_block(block, 7); });
      break;
    case EncodingKind::top_k:
      for_blocks(result, 4096, [&](std::span<float> block) { keep_largest(block, encoding.keep); });
      break;
  }
  return result;
}

}  // namespace gradmint::test
