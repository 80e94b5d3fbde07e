// Encoding on every backend, byte for byte against the reference: bytes, what is lost, refusals.
#include "kernels/encode.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>

#include "kernels/encode_rule.h"
#include "tests/kernels/backends.h"
#include "tests/kernels/reference_encoding.h"
#include "tests/kernels/samples.h"

using namespace gradmint;
using namespace gradmint::test;
using kernels::Encoding;
using kernels::EncodingKind;

namespace {

constexpr Encoding kDense[] = {{EncodingKind::fp32, 0},
                               {EncodingKind::bf16, 0},
                               {EncodingKind::fp16, 0},
                               {EncodingKind::int8, 0},
                               {EncodingKind::int4, 0}};

Encoding keeping(std::size_t keep) {
  return {EncodingKind::top_k, static_cast<std::uint16_t>(keep)};
}

// Magnitudes that the encoding has are left, others wrapped into what it has.
void make_encodable(const Encoding& encoding, std::span<float> values) {
  if (encoding.kind == EncodingKind::fp32 || encoding.kind == EncodingKind::top_k) return;
  const auto limit = static_cast<std::uint32_t>(kernels::unencodable_magnitude(encoding.kind));
  for (float& x : values) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    x = std::bit_cast<float>((bits & 0x7fffffffu) % limit | (bits & 0x80000000u));
  }
}

// Halfway between two neighbours of the encoding, or next to that.
std::vector<float> between(const Encoding& encoding, std::size_t size, Sequence& sequence) {
  std::vector<float> values(size);
  for (float& x : values) {
    const auto near = static_cast<std::uint32_t>(sequence.below(3)) - 1u;
    const auto random = static_cast<std::uint32_t>(sequence.next());
    std::uint32_t bits = (random & 0xffff0000u) | 0x8000u;
    if (encoding.kind == EncodingKind::fp16) {
      bits = ((random & 0x7fffffffu) % 0x477fe000u & 0xffffe000u) | 0x1000u | (random << 31);
    }
    x = std::bit_cast<float>(bits + near);
    if (encoding.kind == EncodingKind::int8 || encoding.kind == EncodingKind::int4) {
      const int most = encoding.kind == EncodingKind::int8 ? 127 : 7;
      const auto whole = static_cast<float>(sequence.below(static_cast<std::uint64_t>(most)));
      x = std::bit_cast<float>(std::bit_cast<std::uint32_t>(whole + 0.5f) + near);
      if (random % 2 == 0) x = -x;
    }
    if (!std::isfinite(x)) x = 0.25f;
  }
  return values;
}

// The halves that fp16 cannot have: denormals, whose neighbours are 2^-24 apart.
std::vector<float> between_denormals(std::size_t size, Sequence& sequence) {
  std::vector<float> values(size);
  for (float& x : values) {
    x = std::ldexp(static_cast<float>(sequence.below(2100)) + 0.5f, -24);
    const auto near = static_cast<std::uint32_t>(sequence.below(3)) - 1u;
    x = std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) + near);
  }
  return values;
}

class Comparison {
 public:
  Comparison() : backends_(backends()) {}
  ~Comparison() { std::printf("encoding: %d updates against the reference\n", compared_); }

  void compare(const Encoding& encoding, std::span<const float> values,
               std::span<const float> carried = {}) {
    std::vector<float> sums(values.begin(), values.end());
    for (std::size_t i = 0; i < carried.size(); ++i) sums[i] += carried[i];
    const auto bytes = reference_encoded(encoding, sums);
    std::vector<float> lost = sums;
    const auto decoded = reference_decoded(encoding, sums);
    for (std::size_t i = 0; i < lost.size(); ++i) lost[i] = lost[i] - decoded[i] + 0.0f;
    if (encoding.kind == EncodingKind::fp32) lost.clear();
    CAPTURE(kernels::name_of(encoding));
    CAPTURE(values.size());
    for (const auto& backend : backends_) {
      CAPTURE(backend->name());
      const auto encoded = kernels::encode(*backend, encoding, values, carried);
      REQUIRE(encoded.ok());
      CHECK(std::equal(bytes.begin(), bytes.end(), encoded->bytes.begin(), encoded->bytes.end()));
      CHECK(same_bytes(encoded->residual, lost));
      ++compared_;
    }
  }

 private:
  std::vector<std::unique_ptr<kernels::Backend>> backends_;
  int compared_ = 0;
};

}  // namespace

TEST_CASE("encoding: the reference's bytes, whatever the size and the values") {
  Comparison comparison;
  for (const Encoding& encoding : {kDense[0], kDense[1], kDense[2], kDense[3], kDense[4],
                                   keeping(1), keeping(77), keeping(4096)}) {
    for (const std::size_t size :
         {0u, 1u, 2u, 3u, 63u, 64u, 65u, 255u, 256u, 257u, 4095u, 4096u, 4097u, 70001u}) {
      Sequence sequence(size + 1);
      for (const Kind kind : kAllKinds) {
        CAPTURE(name_of(kind));
        auto values = sample_updates(kind, 1, size, size + 3)[0];
        make_encodable(encoding, values);
        comparison.compare(encoding, values);
      }
      comparison.compare(encoding, between(encoding, size, sequence));
      comparison.compare(encoding, between_denormals(size, sequence));
    }
  }
}

TEST_CASE("encoding: what is carried is added first") {
  Comparison comparison;
  for (const Encoding& encoding :
       {kDense[0], kDense[1], kDense[2], kDense[3], kDense[4], keeping(64), keeping(700)}) {
    for (const std::size_t size : {1u, 65u, 257u, 4097u, 131073u}) {
      for (const Kind kind : {Kind::ordinary, Kind::ties, Kind::denormal, Kind::minus_zero}) {
        const auto updates = sample_updates(kind, 2, size, size + 9);
        comparison.compare(encoding, updates[0], updates[1]);
      }
    }
  }
}

TEST_CASE("encoding: top_k keeps the same coordinates, however many and however equal") {
  Comparison comparison;
  for (const std::size_t keep :
       {1u, 2u, 3u, 63u, 64u, 127u, 128u, 129u, 511u, 512u, 513u, 1024u, 2047u, 4095u, 4096u}) {
    for (const std::size_t size : {3u, 100u, 1000u, 4096u, 4500u, 8192u}) {
      Sequence sequence(keep + size);
      std::vector<float> values(size, 0.0f);
      // Few that differ from a common value, most of them lower than the rest of the kept.
      for (float& x : values) x = sequence.below(20) == 0 ? any_float(sequence, 100, 150) : 1.0f;
      comparison.compare(keeping(keep), values);
      for (float& x : values) x = sequence.below(90) == 0 ? any_float(sequence, 0, 254) : -0.0f;
      comparison.compare(keeping(keep), values);
      for (std::size_t i = 0; i < size; ++i) values[i] = static_cast<float>(i % 1000);
      comparison.compare(keeping(keep), values);
      for (const Kind kind : {Kind::ordinary, Kind::equal, Kind::ties, Kind::largest}) {
        comparison.compare(keeping(keep), sample_updates(kind, 1, size, keep)[0]);
      }
    }
  }
}

TEST_CASE("encoding: the first value that is not finite, else the first too large, is named") {
  struct Case {
    Encoding encoding;
    std::vector<std::pair<std::size_t, float>> spoiled;
    const char* said;
  };
  const float infinity = std::numeric_limits<float>::infinity();
  const float not_a_number = std::numeric_limits<float>::quiet_NaN();
  const float largest = std::numeric_limits<float>::max();
  const Case cases[] = {
      {kDense[0], {{70000, infinity}, {69999, -not_a_number}}, "fp32: value 69999 is not finite"},
      {kDense[0], {{0, -infinity}}, "fp32: value 0 is not finite"},
      {kDense[1], {{5, largest}, {140000, not_a_number}}, "bf16: value 140000 is not finite"},
      {kDense[1], {{66000, largest}, {66001, -largest}}, "bf16: value 66000 is too large"},
      {kDense[2], {{149999, 65520.0f}}, "fp16: value 149999 is too large"},
      {kDense[2], {{149999, 65520.0f}, {700, -1e38f}}, "fp16: value 700 is too large"},
      {kDense[3],
       {{1000, 0x1.fep127f}, {1003, largest}, {1005, -largest}},
       "int8: value 1003 is too large"},
      {kDense[3], {{1000, 0x1.fep127f}, {99999, infinity}}, "int8: value 99999 is not finite"},
      {kDense[4], {{131072, 0x1.ep123f}}, "int4: value 131072 is too large"},
      {kDense[4],
       {{4, -0x1.ep123f}, {255, 0x1.e1p123f}, {256, largest}},
       "int4: value 255 is too large"},
      {keeping(3),
       {{149999, infinity}, {8191, not_a_number}},
       "top_k:keep=3: value 8191 is not finite"},
  };
  for (const auto& backend : backends()) {
    for (const Case& each : cases) {
      CAPTURE(each.said);
      CAPTURE(backend->name());
      std::vector<float> values(150000, 0.25f);
      for (const auto& [at, value] : each.spoiled) values[at] = value;
      const auto refused = kernels::encode(*backend, each.encoding, values, {});
      REQUIRE_FALSE(refused.ok());
      CHECK(refused.error().message.find(each.said) != std::string::npos);
    }
    // Two finite values whose sum is none.
    const std::vector<float> half(300, largest);
    const auto refused = kernels::encode(*backend, kDense[0], half, half);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find("value 0 is not finite") != std::string::npos);
  }
}

TEST_CASE("encoding: the largest magnitude that each encoding has, and the next one") {
  for (const auto& backend : backends()) {
    for (const Encoding& encoding : kDense) {
      const std::int32_t limit = kernels::unencodable_magnitude(encoding.kind);
      for (const float sign : {1.0f, -1.0f}) {
        std::vector<float> values(700, 1.0f);
        values[650] = sign * std::bit_cast<float>(limit - 1);
        const auto encoded = kernels::encode(*backend, encoding, values, {});
        REQUIRE(encoded.ok());
        const auto bytes = reference_encoded(encoding, values);
        CHECK(std::equal(bytes.begin(), bytes.end(), encoded->bytes.begin(), encoded->bytes.end()));
        values[650] = sign * std::bit_cast<float>(limit);
        const auto refused = kernels::encode(*backend, encoding, values, {});
        REQUIRE_FALSE(refused.ok());
        CHECK(refused.error().message.find("value 650 is ") != std::string::npos);
      }
    }
  }
}
