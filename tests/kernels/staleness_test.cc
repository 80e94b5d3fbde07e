// Weights of late updates.
#include "kernels/staleness.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "kernels/fixed_point.h"

using namespace gradmint;
using kernels::StalenessDiscount;

namespace {
constexpr auto kNone = StalenessDiscount::none;
constexpr auto kRoot = StalenessDiscount::square_root;
constexpr auto kReciprocal = StalenessDiscount::reciprocal;
constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
}  // namespace

TEST_CASE("late updates weigh less, by a table") {
  struct Case {
    StalenessDiscount discount;
    std::vector<std::uint64_t> examples;
    std::vector<std::uint64_t> staleness;
    std::vector<std::uint32_t> weights;
  };
  const Case cases[] = {
      {kNone, {3, 1, 2}, {0, 5, 9}, {3, 1, 2}},
      {kNone, {1u << 24, 1}, {0, 0}, {1u << 24, 1}},
      {kNone, {1u << 25, 1u << 24, 1}, {0, 0, 0}, {1u << 24, 1u << 23, 1}},
      {kNone, {kMost, kMost, 7}, {0, 1, 2}, {1u << 24, 1u << 24, 1}},
      {kRoot, {10, 10}, {0, 0}, {10, 10}},
      {kRoot, {10, 10}, {0, 3}, {10, 5}},
      {kRoot, {1, 1, 1}, {0, 1, 2}, {16777216, 11863283, 9686330}},
      {kRoot, {100, 100}, {0, 99}, {100, 10}},
      {kReciprocal, {12, 12, 12, 12}, {0, 1, 2, 3}, {12, 6, 4, 3}},
      {kReciprocal, {1, 1, 1}, {0, 1, 2}, {16777216, 8388608, 5592405}},
      {kReciprocal, {1, 1}, {0, kMost}, {16777216, 1}},
      {kReciprocal, {5}, {6}, {16777216}},
  };
  for (const Case& each : cases) {
    CAPTURE(std::string(kernels::name_of(each.discount)));
    CAPTURE(each.examples.size());
    const auto got = kernels::staleness_weights(each.examples, each.staleness, each.discount);
    REQUIRE(got.ok());
    CHECK(*got == each.weights);
    for (const std::uint32_t weight : *got) CHECK((weight >= 1 && weight <= kernels::kMaxWeight));
  }
}

TEST_CASE("discounts go by name, and what has no weight is refused") {
  for (const auto discount : {kNone, kRoot, kReciprocal}) {
    CHECK(kernels::staleness_discount(kernels::name_of(discount)) == discount);
  }
  CHECK_FALSE(kernels::staleness_discount("linear").has_value());

  using List = std::vector<std::uint64_t>;
  const auto message = [](const List& examples, const List& staleness) {
    return kernels::staleness_weights(examples, staleness, kRoot).error().message;
  };
  CHECK(message({}, {}) == "staleness: no update was given: at least one is needed");
  CHECK(message({1, 2}, {0}) == "staleness: 2 counts of examples and 1 ages");
  CHECK(message({1, 0}, {0, 0}) == "staleness: update 1 has no examples: at least one is needed");
}
