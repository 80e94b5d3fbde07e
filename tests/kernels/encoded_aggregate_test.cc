// Aggregating encoded updates gives the bytes of decoding them first and aggregating that: every
// encoding, every rule, every backend.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>

#include "kernels/aggregate.h"
#include "kernels/distances.h"
#include "kernels/dots.h"
#include "kernels/encode.h"
#include "kernels/fixed_point.h"
#include "tests/kernels/backends.h"
#include "tests/kernels/samples.h"

using namespace gradmint;
using namespace gradmint::test;
using kernels::AggregateSpec;

namespace {

constexpr const char* kEncodings[] = {"bf16", "fp16",         "int8",
                                      "int4", "top_k:keep=7", "top_k:keep=500"};

// The same updates encoded, and as their bytes decode.
struct EncodedSample {
  std::vector<kernels::EncodedBytes> payloads;
  Sample plain;
  kernels::AggregateInput encoded;
};

EncodedSample encode_sample(const kernels::Encoding& encoding, Updates updates,
                            const AggregateSpec& spec, std::uint64_t seed) {
  EncodedSample sample;
  for (auto& update : updates) {
    if (encoding.kind == kernels::EncodingKind::fp16) {
      for (float& x : update) x = std::fmod(x, 60000.0f);
    }
    sample.payloads.push_back(kernels::encode(encoding, update).value().bytes);
    sample.plain.updates.push_back(
        kernels::decode_row({encoding, sample.payloads.back(), update.size()}));
  }
  prepare(sample.plain, spec, seed);
  sample.encoded = sample.plain.input;
  sample.encoded.updates.clear();
  for (std::size_t i = 0; i < updates.size(); ++i) {
    sample.encoded.updates.emplace_back(encoding, sample.payloads[i], updates[i].size());
  }
  return sample;
}

// Every rule there is, with what it needs; those whose preconditions n does not meet are left out.
std::vector<AggregateSpec> specs(bool clip) {
  std::vector<AggregateSpec> all;
  for (const kernels::RuleInfo& rule : kernels::aggregator_rules()) {
    AggregateSpec spec;
    spec.aggregator.name = rule.name;
    for (const kernels::ParameterInfo& parameter : rule.parameters) {
      if (parameter.preset.has_value()) continue;
      spec.aggregator.parameters.push_back({std::string(parameter.name), 1.0f});
    }
    if (clip) spec.pre = {{"clip", {{"tau", 1.5f}}}};
    all.push_back(spec);
  }
  return all;
}

int compare(const AggregateSpec& spec, const EncodedSample& sample, kernels::Backend& backend) {
  CAPTURE(backend.name());
  const auto expected = kernels::aggregate(spec, sample.plain.input, backend);
  const auto got = kernels::aggregate(spec, sample.encoded, backend);
  REQUIRE(got.ok() == expected.ok());
  if (!expected.ok()) {
    CHECK(got.error().message == expected.error().message);
    return 0;
  }
  CHECK(same_bytes(got->model, expected->model));
  CHECK(same_bytes(got->delta, expected->delta));
  CHECK(same_bytes(got->clip_factors, expected->clip_factors));
  CHECK(got->outside == expected->outside);
  CHECK(got->selected == expected->selected);
  CHECK(got->coefficients == expected->coefficients);
  CHECK(same_bytes(got->scores, expected->scores));
  return 1;
}

}  // namespace

TEST_CASE("encoded updates aggregate as their values do, at odd sizes") {
  const auto all = backends();
  int compared = 0;
  std::size_t turn = 0;
  for (const char* name : kEncodings) {
    const auto encoding = kernels::parse_encoding(name).value();
    for (const bool clip : {false, true}) {
      for (const AggregateSpec& spec : specs(clip)) {
        for (const Kind kind : {Kind::ordinary, Kind::wide, Kind::ties, Kind::denormal}) {
          for (const std::size_t size : {0u, 1u, 3u, 255u, 257u, 4095u, 4097u}) {
            if (!is_tried(turn)) continue;
            CAPTURE(name);
            CAPTURE(spec.aggregator.name);
            CAPTURE(clip);
            CAPTURE(name_of(kind));
            CAPTURE(size);
            const auto sample =
                encode_sample(encoding, sample_updates(kind, 7, size, size), spec, 3);
            for (const auto& backend : all) compared += compare(spec, sample, *backend);
          }
        }
      }
    }
  }
  std::printf("encoded aggregation: %d comparisons\n", compared);
}

TEST_CASE("large encoded updates cross tiles and threads" * doctest::test_suite("large")) {
  const auto all = backends();
  for (const char* name : kEncodings) {
    const auto encoding = kernels::parse_encoding(name).value();
    for (const bool clip : {false, true}) {
      for (const AggregateSpec& spec : specs(clip)) {
        CAPTURE(name);
        CAPTURE(spec.aggregator.name);
        const auto sample =
            encode_sample(encoding, sample_updates(Kind::ordinary, 7, 100001, 11), spec, 5);
        for (const auto& backend : all) compare(spec, sample, *backend);
      }
    }
  }
}

TEST_CASE("any number of encoded updates, with weights that are alike and that are not") {
  const auto all = backends();
  for (const char* name : kEncodings) {
    const auto encoding = kernels::parse_encoding(name).value();
    for (const std::size_t n : {1u, 2u, 4u, 15u, 16u, 17u, 33u, 100u}) {
      for (const std::uint32_t top : {1u, 40u, kernels::kMaxWeight}) {
        CAPTURE(name);
        CAPTURE(n);
        CAPTURE(top);
        auto sample = encode_sample(encoding, sample_updates(Kind::ordinary, n, 777, n), {}, n);
        Sequence sequence(n + top);
        for (std::size_t i = 0; i < n; ++i) {
          const auto weight = static_cast<std::uint32_t>(1 + sequence.below(top));
          sample.plain.input.weights[i] = weight;
          sample.encoded.weights[i] = weight;
        }
        sample.plain.input.shift = kernels::choose_shift(sample.plain.input.round_exponent, top);
        sample.encoded.shift = sample.plain.input.shift;
        for (const auto& backend : all) compare({}, sample, *backend);
      }
    }
  }
}

TEST_CASE("any finite 16 bits, -0 and ties among them: mean and median of any number") {
  const auto all = backends();
  for (const char* name : {"bf16", "fp16"}) {
    const auto encoding = kernels::parse_encoding(name).value();
    const int exponent = encoding.kind == kernels::EncodingKind::bf16 ? 0x7f80 : 0x7c00;
    for (const std::size_t n : {1u, 2u, 3u, 4u, 7u, 16u, 17u, 33u, 64u, 65u}) {
      CAPTURE(name);
      CAPTURE(n);
      Sequence sequence(n);
      const std::size_t size = 1003;
      EncodedSample sample;
      for (std::size_t i = 0; i < n; ++i) {
        kernels::EncodedBytes bytes;
        for (std::size_t c = 0; c < size; ++c) {
          auto bits = static_cast<std::uint16_t>(sequence.below(0x10000));
          if (c % 4 == 0) bits = static_cast<std::uint16_t>(sequence.below(3) << 15 | (bits & 1));
          if ((bits & exponent) == exponent) bits = static_cast<std::uint16_t>(bits ^ 0x1000);
          bytes.push_back(static_cast<std::uint8_t>(bits & 0xff));
          bytes.push_back(static_cast<std::uint8_t>(bits >> 8));
        }
        sample.payloads.push_back(std::move(bytes));
        sample.plain.updates.push_back(
            kernels::decode_row({encoding, sample.payloads.back(), size}));
      }
      for (const char* aggregator : {"mean", "median"}) {
        AggregateSpec spec;
        spec.aggregator.name = aggregator;
        prepare(sample.plain, spec, n);
        sample.encoded = sample.plain.input;
        for (std::size_t i = 0; i < n; ++i) {
          sample.encoded.updates[i] = kernels::Row(encoding, sample.payloads[i], size);
        }
        for (const auto& backend : all) CHECK(compare(spec, sample, *backend) == 1);
      }
    }
  }
}

TEST_CASE("rows of different encodings may be mixed") {
  for (const auto& backend : backends()) {
    for (const AggregateSpec& spec : specs(false)) {
      CAPTURE(spec.aggregator.name);
      Sample plain;
      std::vector<kernels::EncodedBytes> payloads;
      std::vector<kernels::Row> rows;
      const auto updates = sample_updates(Kind::ordinary, 14, 5000, 3);
      for (std::size_t i = 0; i < updates.size(); ++i) {
        const auto encoding = kernels::parse_encoding(i % 7 == 6 ? "fp32" : kEncodings[i % 7]);
        payloads.push_back(kernels::encode(*encoding, updates[i]).value().bytes);
        rows.emplace_back(*encoding, payloads.back(), updates[i].size());
        plain.updates.push_back(kernels::decode_row(rows.back()));
      }
      prepare(plain, spec, 9);
      EncodedSample sample{{}, plain, plain.input};
      sample.encoded.updates = rows;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        sample.plain.input.updates[i] = kernels::Row(sample.plain.updates[i]);
      }
      compare(spec, sample, *backend);
    }
  }
}

TEST_CASE("an encoded update above the round's exponent is named") {
  for (const auto& backend : backends()) {
    for (const char* name : kEncodings) {
      CAPTURE(name);
      auto updates = sample_updates(Kind::ordinary, 5, 5000, 3);
      updates[3][4999] = 1000.0f;
      auto sample = encode_sample(kernels::parse_encoding(name).value(), updates, {}, 3);
      sample.encoded.round_exponent = 9;
      sample.encoded.shift = kernels::choose_shift(9, kernels::kMaxWeight);
      const auto refused = kernels::aggregate({}, sample.encoded, *backend);
      REQUIRE_FALSE(refused.ok());
      CHECK_MESSAGE(refused.error().message.find("out_of_range: update 3") != std::string::npos,
                    refused.error().message);
    }
  }
}

TEST_CASE("dot products and distances of encoded updates are those of their values" *
          doctest::test_suite("large")) {
  for (const char* name : kEncodings) {
    CAPTURE(name);
    auto updates = sample_updates(Kind::ordinary, 4, 270001, 5);
    updates[3] = updates[0];
    updates[3][1] += 1e-5f;
    const auto sample = encode_sample(kernels::parse_encoding(name).value(), updates, {}, 7);
    for (const auto& backend : backends()) {
      CAPTURE(backend->name());
      const auto expected = kernels::gram_matrix(sample.plain.input.updates, *backend).value();
      const auto got = kernels::gram_matrix(sample.encoded.updates, *backend).value();
      CHECK(same_bytes(got.values, expected.values));
      CHECK(same_bytes(
          kernels::squared_distances(got, sample.encoded.updates, {}, *backend).value().values,
          kernels::squared_distances(expected, sample.plain.input.updates, {}, *backend)
              .value()
              .values));
    }
  }
}

TEST_CASE("a -0 among the values counts as +0 under every rule") {
  Sample plain;
  plain.updates = sample_updates(Kind::ties, 13, 5000, 9);
  Sequence sequence(17);
  Updates negative = plain.updates;
  for (std::size_t i = 0; i < negative.size(); ++i) {
    for (std::size_t c = 0; c < negative[i].size(); ++c) {
      if (sequence.below(3) == 0) plain.updates[i][c] = negative[i][c] = 0.0f;
      if (negative[i][c] == 0.0f && sequence.below(2) == 0) negative[i][c] = -0.0f;
    }
  }
  int compared = 0;
  for (const bool clip : {false, true}) {
    for (const AggregateSpec& spec : specs(clip)) {
      CAPTURE(spec.aggregator.name);
      prepare(plain, spec, 5);
      kernels::AggregateInput other = plain.input;
      for (std::size_t i = 0; i < negative.size(); ++i)
        other.updates[i] = kernels::Row(negative[i]);
      for (const auto& backend : backends()) {
        CAPTURE(backend->name());
        const auto expected = kernels::aggregate(spec, plain.input, *backend);
        const auto got = kernels::aggregate(spec, other, *backend);
        REQUIRE(expected.ok());
        REQUIRE(got.ok());
        CHECK(same_bytes(got->model, expected->model));
        CHECK(same_bytes(got->delta, expected->delta));
        CHECK(got->coefficients == expected->coefficients);
        CHECK(got->outside == expected->outside);
        CHECK(got->scores == expected->scores);
        ++compared;
      }
    }
  }
  std::printf("-0: %d comparisons\n", compared);
}
