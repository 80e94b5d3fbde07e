// Encodings byte by byte: golden bytes, rounding against plain arithmetic, refusals.
#include "kernels/encoding.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "kernels/check_encoded.h"
#include "kernels/encode.h"
#include "kernels/scan.h"
#include "tests/kernels/backends.h"
#include "tests/kernels/reference_encoding.h"
#include "tests/kernels/samples.h"

using namespace gradmint;
using namespace gradmint::test;
using kernels::EncodedFault;
using kernels::Encoding;
using kernels::EncodingKind;

namespace {

using Bytes = kernels::EncodedBytes;

Encoding named(const char* name) { return kernels::parse_encoding(name).value(); }

// The section of exponents of one block of int8 or int4, then `values`.
Bytes one_block(int k, const Bytes& values) {
  Bytes bytes(kernels::kSectionBytes + values.size(), 0);
  bytes[0] = static_cast<std::uint8_t>(k);
  for (std::size_t i = 0; i < values.size(); ++i) bytes[kernels::kSectionBytes + i] = values[i];
  return bytes;
}

Bytes halves(const std::vector<std::uint16_t>& values) {
  Bytes bytes(2 * values.size());
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

Bytes with_floats(Bytes bytes, const std::vector<float>& values) {
  const std::size_t at = bytes.size();
  bytes.resize(at + 4 * values.size());
  std::memcpy(bytes.data() + at, values.data(), 4 * values.size());
  return bytes;
}

}  // namespace

TEST_CASE("names are read back, and what is unknown is refused by name") {
  for (const char* name : {"fp32", "bf16", "fp16", "int8", "int4", "top_k:keep=64", "top_k:keep=1",
                           "top_k:keep=4096"}) {
    CHECK(kernels::name_of(named(name)) == name);
    CHECK(kernels::is_encoding(named(name)));
  }
  CHECK(named("top_k") == Encoding{EncodingKind::top_k, kernels::kDefaultKeep});
  for (const char* name :
       {"", "int", "INT8", "int8:keep=4", "top_k:", "top_k:keep=", "top_k:keep=0",
        "top_k:keep=4097", "top_k:keep=70000", "top_k:keep=+5", "top_k:keep=5 ", "top_k:drop=5"}) {
    CAPTURE(name);
    const auto refused = kernels::parse_encoding(name);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find("'" + std::string(name) + "'") != std::string::npos);
  }
  CHECK_FALSE(kernels::is_encoding({static_cast<EncodingKind>(6), 0}));
  CHECK_FALSE(kernels::is_encoding({EncodingKind::int8, 1}));
  CHECK_FALSE(kernels::is_encoding({EncodingKind::top_k, 0}));
  CHECK_FALSE(kernels::is_encoding({EncodingKind::top_k, 4097}));
}

TEST_CASE("sizes") {
  struct Case {
    const char* name;
    std::uint64_t count;
    std::uint64_t bytes;
  };
  const Case cases[] = {
      {"fp32", 0, 0},
      {"fp32", 3, 12},
      {"bf16", 3, 6},
      {"fp16", 5'000'000'000, 10'000'000'000},
      {"int8", 0, 0},
      {"int8", 1, 4096 + 1},
      {"int8", 4096 * 256, 4096 + 4096 * 256},
      {"int8", 4096 * 256 + 1, 8192 + 4096 * 256 + 1},
      {"int4", 1, 4096 + 1},
      {"int4", 255, 4096 + 128},
      {"top_k:keep=64", 0, 0},
      {"top_k:keep=64", 4096, 96 + 256},
      {"top_k:keep=64", 4097, 96 + 256 + 2 + 4},
      {"top_k:keep=3", 2, 3 + 8},
      {"top_k:keep=4096", 4096ULL * 2'000'000, 2'000'000ULL * (6144 + 16384)},
  };
  for (const Case& each : cases) {
    CAPTURE(each.name);
    CAPTURE(each.count);
    CHECK(kernels::encoded_bytes(named(each.name), each.count) == each.bytes);
  }
}

TEST_CASE("golden bytes") {
  struct Case {
    const char* name;
    std::vector<float> values;
    Bytes bytes;
  };
  const Case cases[] = {
      {"fp32", {1.0f, -0.0f}, {0, 0, 0x80, 0x3f, 0, 0, 0, 0}},
      {"bf16",
       {1.0f, 0x1.01p0f, 0x1.03p0f, -2.0f, -1e-45f, 0x1.fep127f},
       halves({0x3f80, 0x3f80, 0x3f82, 0xc000, 0, 0x7f7f})},
      {"fp16",
       {1.0f, 65504.0f, 65519.9f, 0x1p-24f, 0x1p-25f, 0x1.8p-25f, 0x1p-14f, -0x1p-25f, -2.5f},
       halves({0x3c00, 0x7bff, 0x7bff, 1, 0, 1, 0x400, 0, 0xc100})},
      {"int8",
       {1.0f, -0.5f, 127.0f, 0.5f, 1.5f, 2.5f, -127.49f},
       one_block(0, {1, 0, 127, 0, 2, 2, 0x81})},
      {"int8", {127.5f, -1.0f}, one_block(1, {64, 0})},
      {"int8", {0.0f, -0.0f, 1e-45f}, one_block(-126, {0, 0, 0})},
      {"int8", {0x1.fcp127f}, one_block(121, {127})},
      {"int4", {7.0f, -3.0f, 0.5f, 1.5f, 7.4f}, one_block(0, {0xd7, 0x20, 0x07})},
      {"int4", {7.5f, 3.0f}, one_block(1, {0x24})},
      {"top_k:keep=3",
       {0.5f, -2.0f, 0.0f, 3.0f, -3.0f, 1.0f},
       with_floats({0x01, 0x30, 0x00, 0x04, 0x00}, {-2.0f, 3.0f, -3.0f})},
      {"top_k:keep=2", {1.0f, -1.0f, 1.0f, 1.0f}, with_floats({0x00, 0x10, 0x00}, {1.0f, -1.0f})},
      {"top_k:keep=2", {-0.0f}, with_floats({0x00, 0x00}, {0.0f})},
  };
  for (const Case& each : cases) {
    CAPTURE(each.name);
    const auto encoded = kernels::encode(named(each.name), each.values);
    REQUIRE(encoded.ok());
    CHECK(encoded->bytes == each.bytes);
  }
}

TEST_CASE("what cannot be encoded is refused with the value's place and a remedy") {
  struct Case {
    const char* name;
    float value;
    const char* said;
  };
  const float largest = std::numeric_limits<float>::max();
  const Case cases[] = {
      {"fp32", INFINITY, "value 300 is not finite"},
      {"top_k:keep=1", NAN, "value 300 is not finite"},
      {"int8", -NAN, "value 300 is not finite"},
      {"bf16", largest, "value 300 is too large"},
      {"bf16", 0x1.ffp127f, "value 300 is too large"},
      {"fp16", 65520.0f, "value 300 is too large"},
      {"fp16", -1e30f, "lower the learning rate"},
      {"int8", 0x1.fep127f, "value 300 is too large"},
      {"int4", 0x1.ep123f, "value 300 is too large"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.name);
    std::vector<float> values(1000, 0.25f);
    values[300] = each.value;
    const auto refused = kernels::encode(named(each.name), values);
    REQUIRE_FALSE(refused.ok());
    CHECK_MESSAGE(refused.error().message.find(each.said) != std::string::npos,
                  refused.error().message);
  }
}

TEST_CASE("all 16-bit values decode as defined and encode to themselves") {
  for (const char* name : {"bf16", "fp16"}) {
    std::vector<std::uint16_t> bits;
    for (std::uint32_t each = 0; each < 65536; ++each) {
      const auto half = static_cast<std::uint16_t>(each);
      if (std::isfinite(reference_half(half, named(name).kind))) bits.push_back(half);
    }
    const Bytes bytes = halves(bits);
    REQUIRE(kernels::check_encoded(bytes, named(name), bits.size()).ok());
    const auto values = kernels::decode_row({named(name), bytes, bits.size()});
    const auto again = kernels::encode(named(name), values).value();
    int wrong = 0;
    for (std::size_t i = 0; i < bits.size(); ++i) {
      const float expected = reference_half(bits[i], named(name).kind);
      if (std::bit_cast<std::uint32_t>(values[i]) != std::bit_cast<std::uint32_t>(expected))
        ++wrong;
      std::uint16_t back = 0;
      std::memcpy(&back, again.bytes.data() + 2 * i, 2);
      if (back != (bits[i] == 0x8000 ? 0 : bits[i])) ++wrong;
    }
    CHECK(wrong == 0);
    CHECK(same_bytes(again.residual, std::vector<float>(bits.size(), 0.0f)));
  }
}

TEST_CASE("every encoding decodes to the reference's values and loses what it says") {
  int compared = 0;
  for (const char* name : {"fp32", "bf16", "fp16", "int8", "int4", "top_k:keep=1", "top_k:keep=77",
                           "top_k:keep=4096"}) {
    for (const Kind kind :
         {Kind::ordinary, Kind::wide, Kind::ties, Kind::equal, Kind::denormal, Kind::minus_zero}) {
      for (const std::size_t size : {0u, 1u, 3u, 255u, 257u, 4095u, 4097u, 10001u}) {
        CAPTURE(name);
        CAPTURE(name_of(kind));
        CAPTURE(size);
        auto values = sample_updates(kind, 1, size, size + 5)[0];
        if (named(name).kind == EncodingKind::fp16) {
          for (float& x : values) x = std::fmod(x, 60000.0f);
        }
        const auto encoded = kernels::encode(named(name), values).value();
        const kernels::Row row(named(name), encoded.bytes, size);
        const auto decoded = kernels::decode_row(row);
        CHECK(same_bytes(decoded, reference_decoded(named(name), values)));
        const auto check = kernels::check_encoded(encoded.bytes, named(name), size);
        CHECK(check.ok());
        CHECK(check.exponent == reference_exponent(decoded));
        const auto scan = kernels::scan_row(row);
        CHECK(scan.finite);
        CHECK(scan.exponent == check.exponent);
        CHECK(scan.count == size);
        if (named(name).kind != EncodingKind::fp32) {
          std::vector<float> lost(size);
          for (std::size_t i = 0; i < size; ++i) lost[i] = values[i] - decoded[i] + 0.0f;
          CHECK(same_bytes(encoded.residual, lost));
        }
        ++compared;
      }
    }
  }
  std::printf("encodings: %d updates against the reference\n", compared);
}

TEST_CASE("malformed payloads are refused, each by its name") {
  struct Case {
    const char* what;
    const char* name;
    std::size_t count;
    void (*spoil)(Bytes&);
    EncodedFault fault;
    std::uint64_t at;
  };
  using B = Bytes;
  const Case cases[] = {
      {"one byte short", "int8", 300, [](B& b) { b.pop_back(); }, EncodedFault::truncated, 4395},
      {"empty", "bf16", 3, [](B& b) { b.clear(); }, EncodedFault::truncated, 0},
      {"one byte long", "top_k:keep=2", 3, [](B& b) { b.push_back(0); }, EncodedFault::too_long,
       11},
      {"k = -127", "int8", 300, [](B& b) { b[1] = 0x81; }, EncodedFault::exponent_out_of_range,
       256},
      {"k = 122", "int4", 300, [](B& b) { b[0] = 122; }, EncodedFault::exponent_out_of_range, 0},
      {"k = 121", "int8", 300, [](B& b) { b[0] = 121; }, EncodedFault::none, 0},
      {"q = -128", "int8", 300, [](B& b) { b[4096 + 299] = 0x80; },
       EncodedFault::value_out_of_range, 299},
      {"low q = -8", "int4", 300, [](B& b) { b[4096 + 140] = 0x18; },
       EncodedFault::value_out_of_range, 280},
      {"high q = -8", "int4", 300, [](B& b) { b[4096] = 0x87; }, EncodedFault::value_out_of_range,
       1},
      {"behind the exponents", "int8", 300, [](B& b) { b[2] = 1; }, EncodedFault::nonzero_padding,
       2},
      {"behind the exponents, last", "int4", 300, [](B& b) { b[4095] = 1; },
       EncodedFault::nonzero_padding, 4095},
      {"last int4 value", "int4", 301, [](B& b) { b.back() |= 0x10; },
       EncodedFault::nonzero_padding, 4096 + 150},
      {"fp32 infinity", "fp32", 9, [](B& b) { b[22] = 0x80, b[23] = 0x7f; },
       EncodedFault::not_finite, 5},
      {"bf16 infinity", "bf16", 99, [](B& b) { b[142] = 0x80, b[143] = 0xff; },
       EncodedFault::not_finite, 71},
      {"fp16 not a number", "fp16", 99, [](B& b) { b[197] = 0x7f; }, EncodedFault::not_finite, 98},
      {"top_k infinity", "top_k:keep=3", 4096, [](B& b) { b[16] = 0x7f, b[15] = 0x80; },
       EncodedFault::not_finite, 2},
      {"index repeated", "top_k:keep=3", 4096, [](B& b) { b[3] = 1; },
       EncodedFault::index_not_ascending, 1},
      {"index descending", "top_k:keep=3", 4096, [](B& b) { b[0] = 9; },
       EncodedFault::index_not_ascending, 1},
      {"index behind the end", "top_k:keep=3", 100, [](B& b) { b[3] = 100; },
       EncodedFault::index_out_of_range, 100},
      {"bits behind the last index", "top_k:keep=3", 4096, [](B& b) { b[4] = 0x10; },
       EncodedFault::nonzero_padding, 4},
  };
  for (const Case& each : cases) {
    CAPTURE(each.what);
    std::vector<float> values(each.count, 0.0f);
    for (std::size_t i = 0; i < each.count && i < 3; ++i) values[i] = 1.0f;
    auto bytes = kernels::encode(named(each.name), values).value().bytes;
    each.spoil(bytes);
    const auto check = kernels::check_encoded(bytes, named(each.name), each.count);
    CHECK(kernels::name_of(check.fault) == kernels::name_of(each.fault));
    CHECK(check.at == each.at);
  }
}

TEST_CASE("whatever bytes pass the check decode to finite values of the exponent it gave") {
  Sequence sequence(71);
  int passed = 0;
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    const char* names[] = {"bf16", "fp16", "int8", "int4", "top_k:keep=5"};
    const Encoding encoding = named(names[round % 5]);
    const std::size_t count = 1 + sequence.below(600);
    auto values = sample_updates(Kind::ordinary, 1, count, sequence.next())[0];
    auto bytes = kernels::encode(encoding, values).value().bytes;
    for (std::uint64_t spoiled = sequence.below(4); spoiled > 0; --spoiled) {
      bytes[sequence.below(bytes.size())] = static_cast<std::uint8_t>(sequence.next());
    }
    const auto check = kernels::check_encoded(bytes, encoding, count);
    ++(check.ok() ? passed : refused);
    if (!check.ok()) continue;
    const auto decoded = kernels::decode_row({encoding, bytes, count});
    CHECK(reference_exponent(decoded) == check.exponent);
    for (const float x : decoded) {
      CHECK((std::isfinite(x) && (x != 0.0f || !std::signbit(x))));
    }
  }
  CHECK(passed > 500);
  CHECK(refused > 500);
}
