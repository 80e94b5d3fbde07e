// The registry of pre-aggregations and aggregators: choices, whole numbers, order.
#include <doctest/doctest.h>

#include <string>

#include "kernels/aggregate_spec.h"

using namespace gradmint;
using kernels::AggregateSpec;
using kernels::NamedRule;

TEST_CASE("aggregators are completed with their presets, in order") {
  struct Case {
    NamedRule given;
    NamedRule complete;
  };
  const Case cases[] = {
      {{"trimmed_mean", {}}, {"trimmed_mean", {{"f", 0}, {"beta", 0}}}},
      {{"trimmed_mean", {{"beta", 0.25f}}}, {"trimmed_mean", {{"f", 0}, {"beta", 0.25f}}}},
      {{"krum", {{"f", 2}}}, {"krum", {{"f", 2}, {"convention", 0}}}},
      {{"multi_krum", {{"convention", 2}, {"f", 2}}},
       {"multi_krum", {{"f", 2}, {"m", 0}, {"convention", 2}}}},
      {{"bulyan", {{"f", 1}}}, {"bulyan", {{"f", 1}, {"convention", 0}}}},
      {{"geometric_median", {}}, {"geometric_median", {{"nu", 1e-6f}, {"scale", 0}, {"steps", 8}}}},
      {{"centered_clipping", {{"tau", 3}}}, {"centered_clipping", {{"tau", 3}, {"steps", 1}}}},
      {{"mda", {{"f", 1}}}, {"mda", {{"f", 1}}}},
  };
  for (const Case& each : cases) {
    CAPTURE(each.given.name);
    const auto got = kernels::complete_spec({{}, each.given, {"plain", {}}});
    REQUIRE(got.ok());
    CHECK(got->aggregator == each.complete);
  }
  const NamedRule flower{"krum", {{"f", 2}, {"convention", 2}}};
  CHECK(kernels::choice_of(kernels::aggregator_rules(), flower, "convention") == "flower");
  CHECK(kernels::whole_parameter(flower, "f") == 2);
}

TEST_CASE("a wrong aggregator or pre-aggregation is refused by name") {
  struct Case {
    std::vector<NamedRule> pre;
    NamedRule aggregator;
    const char* named;
  };
  const Case cases[] = {
      {{}, {"krum", {}}, "aggregator 'krum', parameter 'f' must be given"},
      {{}, {"krum", {{"f", 1.5f}}}, "must be a whole number, at least 0"},
      {{}, {"krum", {{"f", -1}}}, "must be a whole number, at least 0"},
      {{}, {"krum", {{"f", 4095}}}, "at most 4094"},
      {{}, {"krum", {{"f", 1}, {"convention", 3}}}, "must be one of paper byzfl flower"},
      {{}, {"bulyan", {{"f", 1}, {"convention", 2}}}, "must be one of iterative one_shot"},
      {{}, {"trimmed_mean", {{"beta", 0.5f}}}, "at least 0, below 0.5"},
      {{}, {"trimmed_mean", {{"f", 1}, {"beta", 0.1f}}}, "f and beta both say how much is dropped"},
      {{}, {"geometric_median", {{"nu", 0}}}, "must be above 0"},
      {{}, {"geometric_median", {{"steps", 0}}}, "must be a whole number, at least 1"},
      {{}, {"centered_clipping", {}}, "parameter 'tau' must be given"},
      {{{"nnm", {{"f", 1}}}, {"clip", {{"tau", 1}}}},
       {"mean", {}},
       "pre-aggregation 'nnm' must come last, after 'clip'"},
      {{{"nnm", {{"f", 1}}}, {"nnm", {{"f", 1}}}},
       {"mean", {}},
       "pre-aggregation 'nnm' is given twice"},
      {{{"arc", {}}}, {"mean", {}}, "pre-aggregation 'arc', parameter 'f' must be given"},
  };
  for (const Case& each : cases) {
    const auto got = kernels::complete_spec({each.pre, each.aggregator, {"plain", {}}});
    REQUIRE_FALSE(got.ok());
    CHECK(got.error().code == ErrorCode::bad_input);
    CHECK_MESSAGE(got.error().message.find(each.named) != std::string::npos, got.error().message);
  }
}
