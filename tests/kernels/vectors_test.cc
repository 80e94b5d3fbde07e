// Known answers (aggregation.json) and golden fingerprints.
#include <doctest/doctest.h>

#include <cstdio>
#include <string>

#include "kernels/aggregate.h"
#include "kernels/fixed_point.h"
#include "tests/kernels/backends.h"
#include "tests/kernels/known_answers.h"
#include "tests/kernels/samples.h"

using namespace gradmint;
using namespace gradmint::test;

TEST_CASE("known answers: average and median") {
  const std::string text = known_aggregations();
  const Updates updates = in_rows(known_numbers(text, "byzfl", "X"), 3);
  int cases = 0;
  if (!updates.empty()) {
    Sample sample;
    sample.updates = updates;
    for (const auto& [aggregator, key] :
         {std::pair{"mean", "average"}, std::pair{"median", "median"}}) {
      const std::vector<double> answer = known_numbers(text, "byzfl", key);
      kernels::AggregateSpec spec;
      spec.aggregator.name = aggregator;
      prepare(sample, spec, 1);
      sample.input.weights = {1, 1, 1};
      for (const auto& backend : backends()) {
        CHECK(same_bytes(kernels::aggregate(spec, sample.input, *backend).value().delta,
                         std::vector<float>(answer.begin(), answer.end())));
        ++cases;
      }
    }
  }
  std::printf("known answers: aggregation.json, %d cases\n", cases);
}

TEST_CASE("golden fingerprints, the same for every machine and compiler") {
  struct Case {
    const char* aggregator;
    const char* optimizer;
    bool clip;
    std::size_t n;
    std::uint64_t golden;
  };
  const Case cases[] = {
      {"mean", "plain", false, 16, 0x6a18eafdc1a38305ULL},
      {"mean", "nesterov", true, 7, 0x9c6c3f558bb19b3bULL},
      {"median", "plain", false, 16, 0x2bf4f77f5097b4a6ULL},
      {"median", "nesterov", true, 33, 0x247d5d9e083fb13bULL},
      {"median", "plain", false, 101, 0x20c42ff98304eb3bULL},
  };
  for (const auto& backend : backends()) {
    for (const Case& each : cases) {
      kernels::AggregateSpec spec;
      spec.aggregator.name = each.aggregator;
      spec.optimizer = {each.optimizer, {{"lr", 0.3f}}};
      if (each.clip) spec.pre = {{"clip", {{"tau", 20.0f}}}};
      Sample sample;
      sample.updates = sample_updates(Kind::ordinary, each.n, 9001, each.n);
      prepare(sample, spec, 99);
      const auto got = kernels::aggregate(spec, sample.input, *backend).value();
      const std::uint64_t hash = fingerprint(got.optimizer_state, fingerprint(got.model));
      CAPTURE(std::string(each.aggregator));
      CAPTURE(each.n);
      CHECK(hash == each.golden);
    }
  }
}
