// What becomes of buffers: the mean or the median of each, whatever the rule does with parameters.
#include "kernels/buffers.h"

#include <doctest/doctest.h>

#include <limits>

#include "kernels/encode.h"
#include "tests/kernels/backends.h"

using namespace gradmint;
using namespace gradmint::kernels;

namespace {

const std::vector<float> kModel{1, -2, 0.5F};
const std::vector<std::vector<float>> kUpdates{{1, 10, 0}, {2, 20, -1}, {6, 60, 4}, {3e35F, 0, 1}};
const std::vector<std::uint32_t> kWeights{1, 1, 2, 8};

std::vector<Row> rows_of(const std::vector<std::vector<float>>& updates) {
  std::vector<Row> rows;
  for (const auto& update : updates) rows.emplace_back(std::span<const float>(update));
  return rows;
}

}  // namespace

TEST_CASE("buffers: a table") {
  struct Case {
    AggregateSpec spec;
    std::vector<float> expected;
  };
  // The mean is of the first three, by weight: the fourth is beyond 2^12 times the middle one.
  const std::vector<float> mean{1 + 15.0F / 4, -2 + 150.0F / 4, 0.5F + 7.0F / 4};
  const std::vector<float> median{1 + 4.0F, -2 + 15.0F, 0.5F + 0.5F};
  const Case cases[] = {
      {{{}, {"mean", {}}, {"plain", {}}}, mean},
      {{{}, {"mean", {}}, {"adam", {{"lr", 0.1F}}}}, mean},
      {{{{"clip", {{"tau", 0.001F}}}}, {"mean", {}}, {"plain", {}}}, mean},
      {{{}, {"median", {}}, {"plain", {{"lr", 0.25F}}}}, median},
      {{{}, {"krum", {{"f", 0}}}, {"plain", {}}}, median},
      {{{{"nnm", {{"f", 1}}}}, {"trimmed_mean", {{"f", 1}}}, {"momentum", {}}}, median},
      {{{}, {"centered_clipping", {{"tau", 1}}}, {"plain", {}}}, median},
  };
  for (const auto& backend : test::backends()) {
    CAPTURE(backend->name());
    for (const Case& each : cases) {
      CAPTURE(each.spec.aggregator.name);
      const auto rows = rows_of(kUpdates);
      const auto got = aggregate_buffers(each.spec, rows, kWeights, kModel, *backend);
      REQUIRE_MESSAGE(got.ok(), got.error().message);
      CHECK(test::same_bytes(*got, each.expected));
    }
  }
}

TEST_CASE("buffers: none, one update, and what cannot be") {
  for (const auto& backend : test::backends()) {
    CAPTURE(backend->name());
    const AggregateSpec krum{{}, {"krum", {{"f", 7}}}, {"plain", {}}};
    const std::vector<float> one{2, 2, 2};
    const std::vector<Row> rows{Row(one)};
    const auto single =
        aggregate_buffers(krum, rows, std::vector<std::uint32_t>{3}, kModel, *backend);
    REQUIRE(single.ok());
    CHECK(test::same_bytes(*single, std::vector<float>{3, 0, 2.5F}));
    CHECK(aggregate_buffers(krum, {}, {}, {}, *backend)->empty());
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), 3.4e38F}) {
      const std::vector<float> values{bad, 0, 0}, model{3.4e38F, 0, 0};
      const std::vector<Row> row{Row(values)};
      for (const char* rule : {"mean", "median"}) {
        const auto got = aggregate_buffers({{}, {rule, {}}, {"plain", {}}}, row,
                                           std::vector<std::uint32_t>{1}, model, *backend);
        REQUIRE_FALSE(got.ok());
        CHECK(got.error().code == (bad > 0 ? ErrorCode::not_finite : ErrorCode::bad_input));
      }
    }
  }
}
