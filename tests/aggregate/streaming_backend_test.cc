#include "coordinator/aggregate_cli/streaming_backend.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "kernels/aggregate.h"
#include "kernels/dots.h"
#include "kernels/fixed_point.h"
#include "kernels/spec_text.h"

using namespace gradmint;

namespace {

struct Updates {
  std::vector<std::vector<float>> values;
  kernels::AggregateInput input;
};

constexpr std::size_t kUpdates = 20;
// A range is 16384 coordinates then: four ranges, the last with a part of a block.
constexpr std::size_t kSmallRange = kUpdates * sizeof(float) * 16384;

Updates many_updates() {
  Updates updates;
  std::uint32_t state = 12345;
  for (std::size_t i = 0; i < kUpdates; ++i) {
    std::vector<float> row(50001);
    for (float& x : row) {
      state = state * 1664525u + 1013904223u;
      x = static_cast<float>(static_cast<std::int32_t>(state)) * 1e-9f + 0.01f;
    }
    updates.values.push_back(std::move(row));
  }
  std::vector<int> exponents;
  for (const auto& row : updates.values) {
    updates.input.updates.emplace_back(std::span<const float>(row));
    updates.input.weights.push_back(
        static_cast<std::uint32_t>(1 + updates.input.weights.size() % 7));
    exponents.push_back(kernels::exponent_of_largest(row));
  }
  updates.input.round_exponent = kernels::choose_round_exponent(exponents);
  updates.input.shift = kernels::choose_shift(updates.input.round_exponent, 7);
  updates.input.want_outside = true;
  updates.input.want_delta = true;
  return updates;
}

template <class Values>
bool same_bytes(const Values& a, const Values& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof a[0]) == 0);
}

}  // namespace

TEST_CASE("ranges of coordinates give the bytes of one pass, and the listener hears of each") {
  Updates updates = many_updates();
  const std::vector<float>& first = updates.values.front();
  const kernels::CpuLevel level = kernels::supported_cpu_levels().back();
  const auto whole = kernels::make_cpu_backend(level, 2);
  int heard = 0;
  double last = 0;
  StreamingBackend ranges(
      kernels::make_cpu_backend(level, 2), {},
      [&](const char*, double done) {
        ++heard;
        last = done;
      },
      kSmallRange);
  for (const char* aggregator : {"mean", "median"}) {
    for (const kernels::RuleInfo& optimizer : kernels::optimizer_rules()) {
      CAPTURE(aggregator);
      CAPTURE(std::string(optimizer.name));
      kernels::AggregateSpec spec;
      spec.pre = {{"clip", {{"tau", 200.0f}}}};
      spec.aggregator.name = aggregator;
      spec.optimizer.name = optimizer.name;
      std::vector<float> state(first.size() *
                               kernels::optimizer_state_per_value(spec.optimizer.name));
      for (std::size_t i = 0; i < state.size(); ++i) {
        state[i] = static_cast<float>(i % 1000) * 0.01f;
      }
      updates.input.model = first;
      updates.input.optimizer_state = state;
      const auto expected = kernels::aggregate(spec, updates.input, *whole);
      heard = 0;
      const auto got = kernels::aggregate(spec, updates.input, ranges);
      REQUIRE(expected.ok());
      REQUIRE(got.ok());
      CHECK(same_bytes(got->model, expected->model));
      CHECK(same_bytes(got->optimizer_state, expected->optimizer_state));
      CHECK(same_bytes(got->delta, expected->delta));
      CHECK(same_bytes(got->clip_factors, expected->clip_factors));
      CHECK(got->outside == expected->outside);
      CHECK(heard == 8);  // four ranges for the norms, four to combine
      CHECK(last == 1.0);
    }
  }
}

TEST_CASE("ranges give the same bytes for every kind of pass, mixtures too") {
  Updates updates = many_updates();
  updates.input.model = updates.values.front();
  const kernels::CpuLevel level = kernels::supported_cpu_levels().back();
  const auto whole = kernels::make_cpu_backend(level, 2);
  StreamingBackend ranges(
      kernels::make_cpu_backend(level, 2), {}, [](const char*, double) {}, kSmallRange);
  for (const char* text : {"trimmed_mean:f=3", "bulyan:f=2", "multi_krum:f=2", "median"}) {
    for (const char* pre : {"", "nnm:f=4"}) {
      CAPTURE(text);
      CAPTURE(pre);
      kernels::AggregateSpec spec;
      spec.aggregator =
          *kernels::parse_rule(text, kernels::kAggregatorKind, kernels::aggregator_rules());
      if (*pre != '\0') {
        spec.pre = {*kernels::parse_rule(pre, kernels::kPreKind, kernels::pre_rules())};
      }
      const auto expected = kernels::aggregate(spec, updates.input, *whole);
      const auto got = kernels::aggregate(spec, updates.input, ranges);
      REQUIRE(expected.ok());
      REQUIRE(got.ok());
      CHECK(same_bytes(got->model, expected->model));
      CHECK(same_bytes(got->scores, expected->scores));
      CHECK(got->outside == expected->outside);
      CHECK(got->coefficients == expected->coefficients);
    }
  }
}

TEST_CASE("Gram matrices and differences in ranges are the same") {
  const Updates updates = many_updates();
  const kernels::Rows rows = updates.input.updates;
  const kernels::CpuLevel level = kernels::supported_cpu_levels().back();
  const auto whole = kernels::make_cpu_backend(level, 2);
  StreamingBackend ranges(
      kernels::make_cpu_backend(level, 2), {}, [](const char*, double) {}, kSmallRange);
  const auto expected = kernels::gram_matrix(rows, *whole);
  const auto got = kernels::gram_matrix(rows, ranges);
  REQUIRE(expected.ok());
  REQUIRE(got.ok());
  CHECK(same_bytes(got->values, expected->values));
  CHECK(*ranges.difference(rows[0], 0.5, rows[1], 1.0) ==
        *whole->difference(rows[0], 0.5, rows[1], 1.0));
}
