#include <doctest/doctest.h>

#include <cstdio>

#include "kernels/aggregate.h"
#include "kernels/cuda_backend.h"
#include "kernels/encode.h"
#include "tests/kernels/backends.h"
#include "tests/kernels/samples.h"

namespace gradmint::test {

// tests/kernels/CMakeLists.txt looks for this line, so that ctest shows the test as skipped.
std::vector<std::unique_ptr<kernels::Backend>> backends() {
  kernels::register_cuda_backend();
  std::vector<std::unique_ptr<kernels::Backend>> all;
  auto opened = kernels::open_backend("cuda:0", 1);
  if (opened.ok()) {
    all.push_back(std::move(*opened));
  } else {
    static const bool said = [&] {
      std::printf("SKIPPED LOUDLY: no CUDA case ran. %s\n", opened.error().message.c_str());
      return true;
    }();
    static_cast<void>(said);
  }
  return all;
}

}  // namespace gradmint::test

using namespace gradmint;

TEST_CASE("a GPU that is not there is an Error that says so") {
  kernels::register_cuda_backend();
  CHECK(kernels::has_cuda_backend());
  const auto missing = kernels::open_backend("cuda:999", 1);
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().message.find("device 'cuda:999'") != std::string::npos);
  const bool has_gpu = kernels::open_backend("cuda:0", 1).ok();
  const auto chosen = kernels::open_backend("auto", 1);
  REQUIRE(chosen.ok());
  CHECK((chosen.value()->name().rfind("cuda:0", 0) == 0) == has_gpu);
}

TEST_CASE("updates that need several tiles on the GPU give the CPU's bytes" *
          doctest::test_suite("large")) {
  const auto gpus = test::backends();
  if (gpus.empty()) return;
  const auto cpu = kernels::make_cpu_backend(kernels::supported_cpu_levels().back(), 2);
  for (const char* aggregator : {"mean", "median"}) {
    kernels::AggregateSpec spec;
    spec.aggregator.name = aggregator;
    spec.optimizer.name = "nesterov";
    spec.pre = {{"clip", {{"tau", 100.0f}}}};
    test::Sample sample;
    sample.updates = test::sample_updates(test::Kind::ordinary, 64, 1100001, 61);
    test::prepare(sample, spec, 67);
    const auto expected = kernels::aggregate(spec, sample.input, *cpu).value();
    const auto got = kernels::aggregate(spec, sample.input, *gpus.front()).value();
    CHECK(test::same_bytes(got.model, expected.model));
    CHECK(test::same_bytes(got.optimizer_state, expected.optimizer_state));
    CHECK(test::same_bytes(got.delta, expected.delta));
    CHECK(got.outside == expected.outside);
  }
}

TEST_CASE("encoding: an update that needs several tiles on the GPU has the CPU's bytes") {
  const auto gpus = test::backends();
  if (gpus.empty()) return;
  const auto cpu = kernels::make_cpu_backend(kernels::supported_cpu_levels().back(), 2);
  auto updates = test::sample_updates(test::Kind::ordinary, 2, 2100003, 71);
  for (const char* name : {"fp32", "bf16", "int8", "int4", "top_k:keep=33"}) {
    CAPTURE(name);
    const auto encoding = kernels::parse_encoding(name).value();
    const auto expected = kernels::encode(*cpu, encoding, updates[0], updates[1]).value();
    const auto got = kernels::encode(*gpus.front(), encoding, updates[0], updates[1]).value();
    CHECK(got.bytes == expected.bytes);
    CHECK(test::same_bytes(got.residual, expected.residual));
  }
  updates[0][2000000] = 3e38f;
  updates[0][2000001] = -3.1e38f;
  const auto refused =
      kernels::encode(*gpus.front(), {kernels::EncodingKind::int4, 0}, updates[0], {});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("value 2000001 is too large") != std::string::npos);
}
