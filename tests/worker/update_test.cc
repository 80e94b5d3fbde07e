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

TEST_CASE("losses and accuracies become integers: half to even, capped, never NaN") {
  struct Loss {
    double loss;
    std::uint64_t micro;
  };
  for (const Loss& row : {Loss{0, 0}, Loss{0.5e-6, 0}, Loss{1.5e-6, 2}, Loss{2.5e-6, 2},
                          Loss{1.25, 1250000}, Loss{-1, 0}, Loss{1e300, kMaxLossMicro},
                          Loss{std::nan(""), kMaxLossMicro}, Loss{HUGE_VAL, kMaxLossMicro}})
    CHECK(loss_micro(row.loss) == row.micro);
  struct Accuracy {
    double accuracy;
    std::uint32_t ppm;
  };
  for (const Accuracy& row : {Accuracy{0, 0}, Accuracy{1, 1000000}, Accuracy{2, 1000000},
                              Accuracy{-1, 0}, Accuracy{std::nan(""), 0}, Accuracy{0.25, 250000}})
    CHECK(accuracy_ppm(row.accuracy) == row.ppm);
  CHECK(*parse_optimizer("adam") == OptimizerKind::adam);
  CHECK(optimizer_name(*parse_optimizer("sgd")) == "sgd");
  CHECK(!parse_optimizer("lbfgs").ok());
}
