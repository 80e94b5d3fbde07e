#include "tests/kernels/compare.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tests/kernels/backends.h"
#include "tests/kernels/reference.h"

namespace gradmint::test {
namespace {

bool all_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); });
}

void compare_gram(const kernels::AggregateOutput& got, const kernels::AggregateOutput& expected) {
  REQUIRE(got.gram.has_value() == expected.gram.has_value());
  if (!got.gram.has_value()) return;
  CHECK(got.gram->n == expected.gram->n);
  CHECK(same_bytes(got.gram->values, expected.gram->values));
}

}  // namespace

std::string describe(const kernels::AggregateSpec& spec) {
  std::string text;
  for (const auto& pre : spec.pre) text += (text.empty() ? "" : "+") + pre.name;
  return text + (text.empty() ? "" : " ") + spec.aggregator.name + " " + spec.optimizer.name;
}

int compare_with_reference(const kernels::AggregateSpec& spec, const Sample& sample,
                           const std::vector<std::unique_ptr<kernels::Backend>>& all) {
  if (all.empty()) return 0;
  const auto expected = reference_aggregate(spec, sample.input);
  for (const auto& backend : all) {
    CAPTURE(backend->name());
    const auto got = kernels::aggregate(spec, sample.input, *backend);
    if (!all_finite(expected.model) || !all_finite(expected.optimizer_state)) {
      REQUIRE_FALSE(got.ok());
      CHECK(got.error().message.find("non_finite_result") != std::string::npos);
      continue;
    }
    if (!got.ok()) FAIL(got.error().message);
    CHECK(same_bytes(got->model, expected.model));
    CHECK(same_bytes(got->optimizer_state, expected.optimizer_state));
    CHECK(same_bytes(got->delta, expected.delta));
    CHECK(same_bytes(got->clip_factors, expected.clip_factors));
    CHECK(got->coefficients == expected.coefficients);
    CHECK(got->selected == expected.selected);
    CHECK(same_bytes(got->scores, expected.scores));
    CHECK(got->outside == expected.outside);
    compare_gram(*got, expected);
  }
  return static_cast<int>(all.size());
}

}  // namespace gradmint::test
