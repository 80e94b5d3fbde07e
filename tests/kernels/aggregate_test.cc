// Every aggregator, optimizer and clipping on every backend, byte for byte against the reference.
#include "kernels/aggregate.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "kernels/fixed_point.h"
#include "tests/kernels/backends.h"
#include "tests/kernels/compare.h"
#include "tests/kernels/samples.h"

using namespace gradmint;
using namespace gradmint::test;
using kernels::AggregateSpec;

namespace {

std::vector<AggregateSpec> specs() {
  std::vector<AggregateSpec> all;
  for (const char* aggregator : {"mean", "median"}) {
    for (const char* optimizer : {"plain", "nesterov"}) {
      for (const bool clip : {false, true}) {
        AggregateSpec spec;
        spec.aggregator.name = aggregator;
        spec.optimizer.name = optimizer;
        spec.optimizer.parameters = {{"lr", 0.7f}};
        if (clip) spec.pre = {{"clip", {{"tau", 1.5f}}}};
        all.push_back(spec);
      }
    }
  }
  return all;
}

}  // namespace

TEST_CASE("every rule at odd sizes, on every backend, gives the reference's bytes") {
  const auto all = backends();
  int compared = 0;
  for (const AggregateSpec& spec : specs()) {
    for (const Kind kind : kAllKinds) {
      for (const std::size_t size : {0u, 1u, 3u, 17u, 4095u, 4097u}) {
        CAPTURE(describe(spec));
        CAPTURE(name_of(kind));
        CAPTURE(size);
        Sample sample;
        sample.updates = sample_updates(kind, 5, size, 7 + size);
        prepare(sample, spec, 3);
        compared += compare_with_reference(spec, sample, all);
      }
    }
  }
  std::printf("aggregate: %d comparisons at odd sizes\n", compared);
}

TEST_CASE("large updates cross tiles and threads") {
  const auto all = backends();
  for (const AggregateSpec& spec : specs()) {
    CAPTURE(describe(spec));
    Sample sample;
    sample.updates = sample_updates(Kind::ordinary, 4, 100001, 11);
    prepare(sample, spec, 5);
    compare_with_reference(spec, sample, all);
  }
}

TEST_CASE("any number of updates from 1 to 257") {
  const auto all = backends();
  int compared = 0;
  for (const AggregateSpec& spec :
       {AggregateSpec{}, AggregateSpec{{}, {"median", {}}, {"plain", {}}}}) {
    for (std::size_t n = 1; n <= 257; n += n < 70 || n > 250 ? 1 : 13) {
      for (const Kind kind : {Kind::ordinary, Kind::ties, Kind::largest}) {
        CAPTURE(n);
        CAPTURE(describe(spec));
        CAPTURE(name_of(kind));
        Sample sample;
        sample.updates = sample_updates(kind, n, 37, n);
        prepare(sample, spec, n);
        compared += compare_with_reference(spec, sample, all);
      }
    }
  }
  std::printf("aggregate: %d comparisons over the number of updates\n", compared);
}

TEST_CASE("the order in which updates are summed does not matter") {
  const auto all = backends();
  Sample sample;
  sample.updates = sample_updates(Kind::wide, 19, 1001, 23);
  const AggregateSpec spec;
  prepare(sample, spec, 29);
  for (const auto& backend : all) {
    const auto first = kernels::aggregate(spec, sample.input, *backend).value();
    Sequence sequence(31);
    kernels::AggregateInput shuffled = sample.input;
    for (int round = 0; round < 5; ++round) {
      for (std::size_t i = shuffled.updates.size() - 1; i > 0; --i) {
        const std::size_t j = sequence.below(i + 1);
        std::swap(shuffled.updates[i], shuffled.updates[j]);
        std::swap(shuffled.weights[i], shuffled.weights[j]);
      }
      CHECK(same_bytes(kernels::aggregate(spec, shuffled, *backend).value().model, first.model));
    }
  }
}

TEST_CASE("the mean is float64 mathematics to a bound") {
  // Per term half a unit of 2^-s, then the division and the rounding to fp32.
  const auto all = backends();
  for (const Kind kind : {Kind::ordinary, Kind::wide, Kind::ties}) {
    Sample sample;
    sample.updates = sample_updates(kind, 16, 4097, 37);
    prepare(sample, AggregateSpec{}, 41);
    double total = 0;
    for (const auto weight : sample.input.weights) total += weight;
    for (const auto& backend : all) {
      const auto got = kernels::aggregate(AggregateSpec{}, sample.input, *backend).value();
      double worst = 0;
      for (std::size_t c = 0; c < sample.model.size(); ++c) {
        long double exact = 0;
        for (std::size_t i = 0; i < sample.updates.size(); ++i) {
          exact += static_cast<long double>(sample.updates[i][c]) * sample.input.weights[i];
        }
        exact /= static_cast<long double>(total);
        const double bound = 0.5 * 16 * std::ldexp(1.0, -sample.input.shift) / total +
                             std::fabs(static_cast<double>(exact)) * 0x1p-23;
        const double error =
            std::fabs(static_cast<double>(exact - static_cast<long double>(got.delta[c])));
        worst = std::max(worst, bound > 0 ? error / bound : 0.0);
      }
      CHECK(worst <= 1.0);
    }
  }
}

TEST_CASE("what cannot be aggregated is refused by name") {
  const auto all = backends();
  struct Case {
    const char* what;
    void (*spoil)(Sample&);
    const char* named;
  };
  const Case cases[] = {
      {"no update",
       [](Sample& s) {
         s.input.updates.clear();
         s.input.weights.clear();
       },
       "no update"},
      {"weight 0", [](Sample& s) { s.input.weights[1] = 0; }, "weight 0 of update 1"},
      {"weight too large", [](Sample& s) { s.input.weights[2] = kernels::kMaxWeight + 1; },
       "weight 16777217"},
      {"too few weights", [](Sample& s) { s.input.weights.pop_back(); }, "2 weights for 3 updates"},
      {"short update",
       [](Sample& s) { s.input.updates[2] = std::span<const float>(s.updates[2]).first(10); },
       "update 2 has 10 values"},
      {"shift too large", [](Sample& s) { ++s.input.shift; }, "shift"},
      {"shift too small", [](Sample& s) { s.input.shift -= 30; }, "shift"},
      {"exponent", [](Sample& s) { s.input.round_exponent = 200; }, "round exponent 200"},
      {"state", [](Sample& s) { s.input.optimizer_state = s.model; }, "needs a state of 0"},
      {"infinite", [](Sample& s) { s.updates[1][20] = INFINITY; },
       "update 1 is not finite at value 20"},
      {"nan", [](Sample& s) { s.updates[2][36] = NAN; }, "update 2 is not finite at value 36"},
      {"minus nan", [](Sample& s) { s.updates[0][0] = -NAN; }, "update 0 is not finite at value 0"},
      {"above E", [](Sample& s) { s.updates[1][5] = 3e30f; }, "out_of_range: update 1"},
      {"non-finite result", [](Sample& s) { s.model[7] = INFINITY; }, "non_finite_result"},
  };
  for (const auto& backend : all) {
    for (const Case& each : cases) {
      CAPTURE(each.what);
      Sample sample;
      sample.updates = sample_updates(Kind::ordinary, 3, 37, 43);
      prepare(sample, AggregateSpec{}, 47);
      each.spoil(sample);
      const auto got = kernels::aggregate(AggregateSpec{}, sample.input, *backend);
      REQUIRE_FALSE(got.ok());
      CHECK_MESSAGE(got.error().message.find(each.named) != std::string::npos, got.error().message);
    }
  }
}

TEST_CASE("values that are not finite are refused by the median and by clipping too") {
  for (const auto& backend : backends()) {
    for (const AggregateSpec& spec : specs()) {
      CAPTURE(describe(spec));
      Sample sample;
      sample.updates = sample_updates(Kind::ordinary, 5, 4100, 43);
      prepare(sample, spec, 47);
      sample.updates[3][4099] = NAN;
      const auto got = kernels::aggregate(spec, sample.input, *backend);
      REQUIRE_FALSE(got.ok());
      CHECK_MESSAGE(got.error().message.find("update 3 is not finite") != std::string::npos,
                    got.error().message);
    }
  }
}

TEST_CASE("4095 updates of the largest terms do not overflow, one more is refused") {
  const float top = 1.0f;
  std::vector<float> update(33, top);
  std::vector<float> model(33, 0.0f);
  kernels::AggregateInput input;
  input.updates.assign(kernels::kMaxUpdates, kernels::Row(update));
  input.weights.assign(kernels::kMaxUpdates, kernels::kMaxWeight);
  input.round_exponent = 0;
  input.shift = kernels::choose_shift(0, kernels::kMaxWeight);
  input.model = model;
  for (const auto& backend : backends()) {
    const auto got = kernels::aggregate({}, input, *backend);
    REQUIRE(got.ok());
    CHECK(same_bytes(got->model, update));
  }
  input.updates.emplace_back(update);
  input.weights.push_back(1);
  for (const auto& backend : backends()) {
    const auto refused = kernels::aggregate({}, input, *backend);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find("4096 updates") != std::string::npos);
  }
}
