#include "worker/update.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "worker/trainer.h"

using namespace gradmint;

TEST_CASE("the update is local minus global, with no negative zero") {
  const std::vector<float> local = {1.5F, -0.0F, 2.0F, 3.0F};
  const std::vector<float> global = {1.0F, 0.0F, 2.0F, 5.0F};
  const auto update = make_update(local, global);
  REQUIRE(update.ok());
  CHECK(*update == std::vector<float>{0.5F, 0.0F, 0.0F, -2.0F});
  for (const float x : *update) CHECK(std::bit_cast<std::uint32_t>(x) != 0x80000000U);
  std::vector<float> minus_zero = {-0.0F};
  REQUIRE(canonicalise_update(minus_zero).ok());
  CHECK(std::bit_cast<std::uint32_t>(minus_zero[0]) == 0);
}

TEST_CASE("sizes that differ and values that are not finite are refused, with the place") {
  const std::vector<float> two = {1, 2};
  CHECK(!make_update(two, std::vector<float>{1}).ok());
  constexpr float kMax = std::numeric_limits<float>::max();
  for (const float bad : {std::nanf(""), HUGE_VALF, -HUGE_VALF}) {
    const auto update = make_update(std::vector<float>{1, bad}, two);
    REQUIRE(!update.ok());
    CHECK(update.error().message.find("coordinate 1") != std::string::npos);
  }
  CHECK(!make_update(std::vector<float>{kMax}, std::vector<float>{-kMax}).ok());
}

TEST_CASE("the payload is fp32 little endian, finite or not") {
  const std::vector<float> update = {-2.0F, HUGE_VALF};
  CHECK(encode_not_finite({}, update).value() ==
        kernels::EncodedBytes{0, 0, 0, 0xC0, 0, 0, 0x80, 0x7F});
}

TEST_CASE("metrics become integers: half to even, bounded, never NaN") {
  struct Row {
    double value;
    std::int64_t micro;
  };
  for (const Row& row :
       {Row{0, 0}, Row{0.5e-6, 0}, Row{1.5e-6, 2}, Row{2.5e-6, 2}, Row{-1.5e-6, -2},
        Row{1.25, 1'250'000}, Row{-3, -3'000'000}, Row{1e300, kMaxMetricMicro},
        Row{-1e300, -kMaxMetricMicro}, Row{HUGE_VAL, kMaxMetricMicro}, Row{1e9, kMaxMetricMicro}})
    CHECK(ledger_metrics({{"m", row.value}}) == Metrics{{"m", row.micro}});
  CHECK(measured(std::nan("")) == std::nullopt);
  CHECK(measured(HUGE_VAL) == HUGE_VAL);
  CHECK(ledger_metrics({{"a", std::nullopt}, {"b", 1.0}}) ==
        Metrics{{"a", std::nullopt}, {"b", 1'000'000}});
  CHECK(metrics_object({{"a", std::nullopt}, {"b", HUGE_VAL}, {"c", 0.5}}) ==
        nlohmann::json({{"a", nullptr}, {"b", 1e9}, {"c", 0.5}}));
}

TEST_CASE("local optimizers by name") {
  CHECK(*parse_optimizer("adam") == OptimizerKind::adam);
  CHECK(optimizer_name(*parse_optimizer("sgd")) == "sgd");
  CHECK(!parse_optimizer("lbfgs").ok());
}
