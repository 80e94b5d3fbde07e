// Updates of 1,000,001 values from 3, 16 and 64 workers: tiles, threads and blocks are crossed many
// times. Every backend must give the bytes of the scalar level, which is held to the reference at
// smaller sizes.
#include <doctest/doctest.h>

#include <cstdio>

#include "kernels/aggregate.h"
#include "tests/kernels/backends.h"
#include "tests/kernels/compare.h"
#include "tests/kernels/samples.h"

using namespace gradmint;
using namespace gradmint::test;
using kernels::AggregateSpec;

TEST_CASE("1e6 + 1 values from 3, 16 and 64 updates: the same bytes on every backend") {
  std::vector<std::unique_ptr<kernels::Backend>> all;
  all.push_back(kernels::make_cpu_backend(kernels::CpuLevel::scalar, 2));
  // One of each kind is enough: numbers of threads are compared at every smaller size.
  std::string seen;
  for (auto& backend : backends()) {
    const std::string kind = backend->name().substr(0, backend->name().find(','));
    if (kind == seen || kind.find("scalar") != std::string::npos) continue;
    seen = kind;
    all.push_back(std::move(backend));
  }
  int compared = 0;
  for (const std::size_t n : {3u, 16u, 64u}) {
    Sample sample;
    sample.updates = sample_updates(Kind::ordinary, n, 1000001, 71 + n);
    for (const char* aggregator : {"mean", "median", "trimmed_mean", "multi_krum"}) {
      AggregateSpec spec;
      spec.aggregator = {aggregator, {}};
      if (spec.aggregator.name == "trimmed_mean") spec.aggregator.parameters = {{"f", 1.0f}};
      if (spec.aggregator.name == "multi_krum") {
        spec.aggregator.parameters = {{"f", 1.0f}, {"convention", 1.0f}};
      }
      CAPTURE(n);
      CAPTURE(describe(spec));
      prepare(sample, spec, 5);
      const auto expected = kernels::aggregate(spec, sample.input, *all[0]).value();
      for (std::size_t b = 1; b < all.size(); ++b) {
        CAPTURE(all[b]->name());
        const auto got = kernels::aggregate(spec, sample.input, *all[b]).value();
        CHECK(same_bytes(got.model, expected.model));
        CHECK(got.coefficients == expected.coefficients);
        CHECK(got.scores == expected.scores);
        CHECK(got.outside == expected.outside);
        ++compared;
      }
    }
  }
  std::printf("large: %d comparisons of 1000001 values\n", compared);
}
