// Exponents, shifts, the intake scan and the choice of a CPU level.
#include "kernels/fixed_point.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "kernels/cpu_level.h"
#include "kernels/scan.h"
#include "tests/kernels/backends.h"
#include "tests/kernels/reference.h"
#include "tests/kernels/samples.h"

using namespace gradmint;
using namespace gradmint::test;

TEST_CASE("the exponent of the largest value") {
  struct Case {
    std::vector<float> values;
    int exponent;
  };
  const float smallest = std::numeric_limits<float>::denorm_min();
  const Case cases[] = {
      {{}, kernels::kNoExponent},
      {{0.0f, -0.0f}, kernels::kNoExponent},
      {{smallest}, -149},
      {{2 * smallest}, -148},
      {{-3 * smallest}, -147},
      {{std::numeric_limits<float>::min()}, -126},
      {{1.0f, -0.5f}, 0},
      {{1.0f, -1.0000001f}, 1},
      {{0.75f}, 0},
      {{-8.0f, 7.0f}, 3},
      {{std::numeric_limits<float>::max()}, 128},
      {{1.0f, -INFINITY}, 129},
      {{NAN}, 129},
  };
  for (const Case& each : cases) CHECK(kernels::exponent_of_largest(each.values) == each.exponent);
  Sequence sequence(3);
  for (int i = 0; i < 20000; ++i) {
    const std::vector<float> value = {any_float(sequence, 0, 254)};
    REQUIRE(kernels::exponent_of_largest(value) == reference_exponent(value));
  }
}

TEST_CASE("the round's exponent is the largest that is at most twelve above the upper median") {
  const int zeros = kernels::kNoExponent;
  struct Case {
    std::vector<int> exponents;
    int round_exponent;
  };
  const Case cases[] = {
      {{3}, 3},
      {{-149}, -149},
      {{1, 2}, 2},
      {{1, 12}, 12},
      {{1, 100}, 100},      // the first is small
      {{1, 1, 1, 100}, 1},  // one liar
      {{1, 1, 1, 13}, 13},
      {{1, 1, 1, 14}, 1},
      {{5, 100, 5, 100}, 100},
      {{0, 20, 30}, 30},
      {{0, 1, 13, 14}, 14},
      {{0, 1, 30}, 1},
      {{128, 128, 128}, 128},
      {{4, -3, 9, 2, 2}, 9},
      {{zeros}, -149},
      {{zeros, zeros}, -149},
      {{zeros, -3}, -3},  // what `aggregate` refused: [0, 0] and [0.1, 0.2]
      {{-149, -3}, -3},
      {{zeros, zeros, -3, -3}, -3},
      {{-20, -20, -3, -3}, -3},       // 1e-5 of the update, twice
      {{zeros, zeros, -3, 100}, -3},  // half of them idle and one that lies
      {{zeros, zeros, zeros, -3}, -3},
      {{zeros, zeros, zeros, -3, 100}, 100},  // too many of both
      {{zeros, zeros, zeros, zeros, -3, -2, 100}, -2},
  };
  for (const Case& each : cases) {
    CHECK(kernels::choose_round_exponent(each.exponents) == each.round_exponent);
  }
}

TEST_CASE("the shift is the largest that keeps a term within 2^51") {
  for (int e = kernels::kMinExponent; e <= kernels::kMaxExponent; ++e) {
    for (const std::uint32_t weight :
         {1u, 2u, 3u, 4u, 5u, 1000u, 65536u, 65537u, 16777215u, kernels::kMaxWeight}) {
      REQUIRE(kernels::choose_shift(e, weight) == reference_shift(e, weight));
    }
  }
}

TEST_CASE("the intake scan sees what is not finite, and takes away minus zero") {
  for (const std::size_t size : {1u, 3u, 16u, 17u, 4097u}) {
    for (std::size_t place = 0; place < size; place += 1 + size / 7) {
      std::vector<float> values(size, -0.0f);
      values[place] = -2.5f;
      const auto clean = kernels::scan_and_canonicalise(values);
      CHECK(clean.finite);
      CHECK(clean.exponent == 2);
      CHECK(clean.count == size);
      for (std::size_t i = 0; i < size; ++i) {
        CHECK(std::bit_cast<std::uint32_t>(values[i]) == (i == place ? 0xc0200000u : 0u));
      }
      for (const float bad : {INFINITY, -INFINITY, NAN, -NAN}) {
        values[place] = bad;
        const auto dirty = kernels::scan_values(values);
        CHECK_FALSE(dirty.finite);
        CHECK(dirty.first_not_finite == place);
        CHECK(dirty.exponent == kernels::kNotFiniteExponent);
      }
    }
  }
  std::vector<float> denormals = {1e-44f, -1e-44f, -0.0f};
  kernels::scan_and_canonicalise(denormals);
  CHECK(denormals[0] == 1e-44f);
  CHECK(denormals[1] == -1e-44f);
}

TEST_CASE("a CPU level can be forced, and a wrong name is refused") {
  CHECK(kernels::choose_cpu_level("").value() == kernels::supported_cpu_levels().back());
  CHECK(kernels::choose_cpu_level("scalar").value() == kernels::CpuLevel::scalar);
  for (const auto level : {kernels::CpuLevel::avx2, kernels::CpuLevel::avx512}) {
    const auto chosen = kernels::choose_cpu_level(kernels::name_of(level));
    CHECK(chosen.ok() == kernels::is_supported(level));
    if (!chosen.ok()) CHECK(chosen.error().code == ErrorCode::unsupported);
  }
  const auto unknown = kernels::choose_cpu_level("sse9");
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().message.find("GRADMINT_CPU=sse9") != std::string::npos);

  const char* before = std::getenv("GRADMINT_CPU");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("GRADMINT_CPU", "scalar", 1);
  CHECK(kernels::open_backend("cpu", 2).value()->name() == "cpu (scalar, 2 threads)");
  ::setenv("GRADMINT_CPU", "fast", 1);
  CHECK_FALSE(kernels::open_backend("cpu", 1).ok());
  ::setenv("GRADMINT_CPU", kept.c_str(), 1);
}

TEST_CASE("devices are named, and a wrong one is refused") {
  for (const char* device : {"gpu", "cuda", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", ""}) {
    const auto opened = kernels::open_backend(device, 1);
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().code == ErrorCode::bad_input);
  }
  CHECK_FALSE(kernels::open_backend("cpu", 0).ok());
  CHECK(kernels::open_backend("auto", 1).ok());
}
