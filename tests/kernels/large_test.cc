// Large rounds. Updates of 1,000,001 values from 3, 16 and 64 workers under every rule, and a few
// of ten million: tiles, threads and blocks are crossed many times. Every backend must give the
// reference's bytes; those of the scalar level where the reference would take long: with 64, with
// 1000 short ones, under a sanitizer, and for CUDA.
#include <doctest/doctest.h>

#include <cstdio>

#include "kernels/aggregate.h"
#include "kernels/base/sanitizers.h"
#include "tests/kernels/backends.h"
#include "tests/kernels/compare.h"
#include "tests/kernels/samples.h"

using namespace gradmint;
using namespace gradmint::test;
using kernels::AggregateSpec;
using kernels::NamedRule;

namespace {

struct LargeCase {
  std::vector<NamedRule> pre;
  NamedRule aggregator;
  const char* optimizer;
};

#if GRADMINT_ADDRESS_SANITIZER || GRADMINT_THREAD_SANITIZER
constexpr std::size_t kMostForReference = 0;
#else
constexpr std::size_t kMostForReference = 16;
#endif

// Krum's rules with `krum_f`, the others with `f`.
std::vector<LargeCase> large_cases(float f, float krum_f) {
  return {
      {{}, {"mean", {}}, "adam"},
      {{{"clip", {{"tau", 20}}}}, {"mean", {}}, "momentum"},
      {{}, {"median", {}}, "yogi"},
      {{}, {"trimmed_mean", {{"f", f}}}, "nesterov"},
      {{}, {"krum", {{"f", krum_f}}}, "plain"},
      {{}, {"multi_krum", {{"f", f}, {"convention", 1}}}, "adagrad"},
      {{}, {"bulyan", {{"f", krum_f}}}, "plain"},
      {{}, {"geometric_median", {}}, "plain"},
      {{}, {"centered_clipping", {{"tau", 20}, {"steps", 3}}}, "plain"},
      {{}, {"mda", {{"f", 1}}}, "plain"},
      {{{"arc", {{"f", f}}}, {"nnm", {{"f", f}}}}, {"mean", {}}, "plain"},
      {{{"nnm", {{"f", f}}}}, {"median", {}}, "plain"},
  };
}

// One of each kind is enough: numbers of threads are compared at every smaller size.
std::vector<std::unique_ptr<kernels::Backend>> one_of_each_kind() {
  std::vector<std::unique_ptr<kernels::Backend>> all;
  all.push_back(kernels::make_cpu_backend(kernels::CpuLevel::scalar, 2));
  std::string seen;
  for (auto& backend : backends()) {
    const std::string kind = backend->name().substr(0, backend->name().find(','));
    if (kind == seen || kind.find("scalar") != std::string::npos) continue;
    seen = kind;
    all.push_back(std::move(backend));
  }
  return all;
}

// An emulated GPU takes minutes for the largest ones. That several of a GPU's tiles give the same
// bytes, backends_cuda.cc tries.
bool is_emulated(const std::vector<std::unique_ptr<kernels::Backend>>& all) {
  return all.back()->name().find("emulated") != std::string::npos;
}

int compare_with_scalar(const AggregateSpec& spec, const Sample& sample,
                        const std::vector<std::unique_ptr<kernels::Backend>>& all) {
  const auto expected = kernels::aggregate(spec, sample.input, *all[0]).value();
  for (std::size_t b = 1; b < all.size(); ++b) {
    CAPTURE(all[b]->name());
    const auto got = kernels::aggregate(spec, sample.input, *all[b]).value();
    CHECK(same_bytes(got.model, expected.model));
    CHECK(same_bytes(got.optimizer_state, expected.optimizer_state));
    CHECK(got.coefficients == expected.coefficients);
    CHECK(got.scores == expected.scores);
    CHECK(got.outside == expected.outside);
  }
  return static_cast<int>(all.size()) - 1;
}

}  // namespace

TEST_SUITE_BEGIN("large");

TEST_CASE("1e6 + 1 values from 3, 16 and 64 updates: the same bytes on every backend") {
  const auto all = one_of_each_kind();
  const bool is_cpu = all.back()->name().rfind("cpu", 0) == 0;
  const std::size_t size = is_emulated(all) ? 130001 : 1000001;
  int compared = 0;
  for (const std::size_t n : {3u, 16u, 64u}) {
    Sample sample;
    sample.updates = sample_updates(Kind::ordinary, n, size, 71 + n);
    for (const LargeCase& each : large_cases(1, 0)) {
      const AggregateSpec spec{each.pre, each.aggregator, {each.optimizer, {}}};
      CAPTURE(n);
      CAPTURE(describe(spec));
      prepare(sample, spec, 5);
      compared += is_cpu && n <= kMostForReference ? compare_with_reference(spec, sample, all)
                                                   : compare_with_scalar(spec, sample, all);
    }
  }
  std::printf("large: %d comparisons of %zu values\n", compared, size);
}

TEST_CASE("1000 updates: the same bytes on every backend") {
  const auto all = one_of_each_kind();
  int compared = 0;
  Sample sample;
  sample.updates = sample_updates(Kind::ordinary, 1000, 257, 13);
  for (const LargeCase& each : large_cases(240, 200)) {
    const AggregateSpec spec{each.pre, each.aggregator, {each.optimizer, {}}};
    CAPTURE(describe(spec));
    prepare(sample, spec, 5);
    compared += compare_with_scalar(spec, sample, all);
  }
  std::printf("large: %d comparisons of 1000 updates\n", compared);
}

TEST_CASE("1e7 values from 3 updates: the same bytes on every backend") {
  const auto all = one_of_each_kind();
  int compared = 0;
  Sample sample;
  const std::size_t size = is_emulated(all) ? 1300001 : 10000000;
  sample.updates = sample_updates(Kind::ordinary, 3, size, 19);
  for (const char* aggregator : {"mean", "median", "krum"}) {
    AggregateSpec spec{{}, {aggregator, {}}, {"plain", {}}};
    if (spec.aggregator.name == "krum") spec.aggregator.parameters = {{"f", 0}};
    CAPTURE(aggregator);
    prepare(sample, spec, 5);
    compared += compare_with_scalar(spec, sample, all);
  }
  std::printf("large: %d comparisons of %zu values\n", compared, size);
}

TEST_SUITE_END();
