#include "tests/kernels/reference_encoding.h"

#include <algorithm>
#include <bit>
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

int exponent_of_block(std::span<const float> block, double most) {
  double largest = 0;
  for (const float x : block) largest = std::max(largest, std::fabs(static_cast<double>(x)));
  int k = kernels::kMinBlockExponent;
  while (!(largest < std::ldexp(most + 0.5, k))) ++k;
  return k;
}

void round_block(std::span<float> block, double most) {
  const int k = exponent_of_block(block, most);
  for (float& x : block) x = static_cast<float>(rounded(x, k)) + 0.0f;
}

// Coordinates from the largest magnitude down, of equal ones the lower first.
std::vector<std::size_t> order_of(std::span<const float> block) {
  std::vector<std::size_t> order(block.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::fabs(block[a]) > std::fabs(block[b]);
  });
  return order;
}

void keep_largest(std::span<float> block, std::size_t keep) {
  const std::vector<std::size_t> order = order_of(block);
  for (std::size_t i = keep; i < order.size(); ++i) block[order[i]] = 0.0f;
  for (float& x : block) x += 0.0f;
}

template <class Values, class Body>
void for_blocks(Values& all, std::size_t size, Body body) {
  const std::span values(all);
  for (std::size_t first = 0; first < values.size(); first += size) {
    body(values.subspan(first, std::min(size, values.size() - first)));
  }
}

using Bytes = std::vector<std::uint8_t>;

void append(Bytes& bytes, std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

// Of a value that fp16 has.
std::uint16_t fp16_of(float value) {
  const double size = std::fabs(static_cast<double>(value));
  const int sign = std::signbit(value) ? 0x8000 : 0;
  if (size < 0x1p-14) return static_cast<std::uint16_t>(sign | static_cast<int>(size * 0x1p24));
  const int exponent = std::ilogb(size);
  const int fraction = static_cast<int>(std::ldexp(size, 10 - exponent)) - 1024;
  return static_cast<std::uint16_t>(sign | (exponent + 15) << 10 | fraction);
}

// One number of four bits or eight for each value; `exponents` comes before them.
Bytes integers_of(std::span<const float> values, int bits) {
  const double most = bits == 4 ? 7 : 127;
  Bytes exponents;
  std::vector<int> integers;
  for_blocks(values, 256, [&](std::span<const float> block) {
    const int k = exponent_of_block(block, most);
    exponents.push_back(static_cast<std::uint8_t>(k));
    for (const float x : block) {
      integers.push_back(static_cast<int>(std::ldexp(rounded(x, k), -k)));
    }
  });
  exponents.resize((exponents.size() + 4095) / 4096 * 4096, 0);
  if (bits == 4 && integers.size() % 2 != 0) integers.push_back(0);
  Bytes bytes = exponents;
  for (std::size_t i = 0; i < integers.size(); ++i) {
    if (bits == 4) {
      append(bytes, static_cast<std::uint64_t>((integers[i + 1] & 15) << 4 | (integers[i] & 15)),
             1);
      ++i;
    } else {
      append(bytes, static_cast<std::uint64_t>(integers[i]), 1);
    }
  }
  return bytes;
}

void append_record(Bytes& bytes, std::span<const float> block, std::size_t keep) {
  std::vector<std::size_t> places = order_of(block);
  places.resize(std::min(keep, places.size()));
  std::sort(places.begin(), places.end());
  std::vector<bool> bits;
  for (const std::size_t place : places) {
    for (int bit = 0; bit < 12; ++bit) bits.push_back((place >> bit & 1) != 0);
  }
  bits.resize((bits.size() + 7) / 8 * 8);
  for (std::size_t i = 0; i < bits.size(); i += 8) {
    int byte = 0;
    for (std::size_t bit = 0; bit < 8; ++bit) byte |= (bits[i + bit] ? 1 : 0) << bit;
    append(bytes, static_cast<std::uint64_t>(byte), 1);
  }
  for (const std::size_t place : places) {
    append(bytes, std::bit_cast<std::uint32_t>(block[place] + 0.0f), 4);
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

std::vector<std::uint8_t> reference_encoded(const kernels::Encoding& encoding,
                                            std::span<const float> values) {
  if (encoding.kind == EncodingKind::int8) return integers_of(values, 8);
  if (encoding.kind == EncodingKind::int4) return integers_of(values, 4);
  Bytes bytes;
  if (encoding.kind == EncodingKind::top_k) {
    for_blocks(values, 4096,
               [&](std::span<const float> block) { append_record(bytes, block, encoding.keep); });
    return bytes;
  }
  for (const float x : reference_decoded(encoding, values)) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    if (encoding.kind == EncodingKind::fp32) append(bytes, bits, 4);
    if (encoding.kind == EncodingKind::bf16) append(bytes, bits >> 16, 2);
    if (encoding.kind == EncodingKind::fp16) append(bytes, fp16_of(x), 2);
  }
  return bytes;
}

}  // namespace gradmint::test
