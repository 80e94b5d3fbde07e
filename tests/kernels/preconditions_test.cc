// What each rule needs of the number of updates.
#include "kernels/preconditions.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "kernels/aggregate.h"
#include "tests/kernels/backends.h"
#include "tests/kernels/samples.h"

using namespace gradmint;
using namespace gradmint::test;
using kernels::AggregateSpec;
using kernels::NamedRule;

TEST_CASE("each rule accepts its least number of updates and names it where there are fewer") {
  struct Case {
    std::vector<NamedRule> pre;
    NamedRule aggregator;
    std::size_t least;
    const char* named;  // with one update too few
  };
  const Case cases[] = {
      {{}, {"mean", {}}, 1, ""},
      {{}, {"median", {}}, 1, ""},
      {{},
       {"trimmed_mean", {{"f", 2}}},
       5,
       "aggregator 'trimmed_mean': f = 2 needs at least 5 updates, there are 4"},
      {{}, {"trimmed_mean", {{"beta", 0.4f}}}, 1, ""},
      {{},
       {"krum", {{"f", 2}}},
       7,
       "aggregator 'krum', convention paper: f = 2 needs at least 7 updates, there are 6"},
      {{},
       {"krum", {{"f", 2}, {"convention", 1}}},
       5,
       "aggregator 'krum', convention byzfl: f = 2 needs at least 5 updates, there are 4"},
      {{},
       {"krum", {{"f", 2}, {"convention", 2}}},
       3,
       "aggregator 'krum', convention flower: f = 2 needs at least 3 updates, there are 2"},
      {{},
       {"multi_krum", {{"f", 1}}},
       5,
       "aggregator 'multi_krum', convention paper: f = 1 needs at least 5 updates, there are 4"},
      {{},
       {"multi_krum", {{"f", 1}, {"m", 9}}},
       9,
       "aggregator 'multi_krum', convention paper: m = 9 needs at least 9 updates, there are 8"},
      {{},
       {"bulyan", {{"f", 1}}},
       7,
       "aggregator 'bulyan': f = 1 needs at least 7 updates, there are 6"},
      {{}, {"geometric_median", {}}, 1, ""},
      {{}, {"centered_clipping", {{"tau", 1}}}, 1, ""},
      {{}, {"mda", {{"f", 3}}}, 7, "aggregator 'mda': f = 3 needs at least 7 updates, there are 6"},
      {{{"arc", {{"f", 4}}}},
       {"mean", {}},
       5,
       "pre-aggregation 'arc': f = 4 needs at least 5 updates, there are 4"},
      {{{"clip", {{"tau", 1}}}, {"nnm", {{"f", 2}}}},
       {"median", {}},
       3,
       "pre-aggregation 'nnm': f = 2 needs at least 3 updates, there are 2"},
      {{{"nnm", {{"f", 1}}}},
       {"krum", {{"f", 1}}},
       5,
       "aggregator 'krum', convention paper: f = 1 needs at least 5 updates, there are 4"},
  };
  for (const Case& each : cases) {
    const auto spec = kernels::complete_spec({each.pre, each.aggregator, {"plain", {}}}).value();
    CAPTURE(each.aggregator.name);
    CAPTURE(each.least);
    CHECK(kernels::least_updates(spec) == each.least);
    CHECK(kernels::check_update_count(spec, each.least).ok());
    CHECK(kernels::check_update_count(spec, each.least + 1).ok());
    if (each.least == 1) continue;
    const Status few = kernels::check_update_count(spec, each.least - 1);
    REQUIRE_FALSE(few.ok());
    CHECK(few.error().code == ErrorCode::bad_input);
    CHECK(few.error().message == each.named);
  }
}

TEST_CASE("minimum diameter averaging has a limit on its subsets") {
  const AggregateSpec few{{}, {"mda", {{"f", 2}}}, {"plain", {}}};
  const auto spec = kernels::complete_spec(few).value();
  CHECK(kernels::check_update_count(spec, 3162).ok());  // 4,997,541 subsets
  const Status many = kernels::check_update_count(spec, 3163);
  REQUIRE_FALSE(many.ok());
  CHECK(many.error().message ==
        "aggregator 'mda': f = 2 of 3163 updates leaves more than 5000000 subsets to choose from; "
        "use fewer updates or another aggregator");
}

TEST_CASE("aggregate() refuses what a rule cannot take") {
  Sample sample;
  sample.updates = sample_updates(Kind::ordinary, 5, 9, 3);
  prepare(sample, AggregateSpec{}, 5);
  for (const auto& backend : backends()) {
    const AggregateSpec krum{{}, {"krum", {{"f", 2}}}, {"plain", {}}};
    const auto few = kernels::aggregate(krum, sample.input, *backend);
    REQUIRE_FALSE(few.ok());
    CHECK(few.error().message ==
          "aggregator 'krum', convention paper: f = 2 needs at least 7 updates, there are 5");

    kernels::AggregateInput centred = sample.input;
    centred.centre = kernels::Row(sample.updates[0]);
    const auto centre = kernels::aggregate(AggregateSpec{}, centred, *backend);
    REQUIRE_FALSE(centre.ok());
    CHECK(centre.error().message == "aggregate: a centre was given: aggregator 'mean' has none");

    const AggregateSpec clipping{{}, {"centered_clipping", {{"tau", 1}}}, {"plain", {}}};
    const std::vector<float> infinite(9, -INFINITY);
    centred.centre = kernels::Row(infinite);
    const auto bad = kernels::aggregate(clipping, centred, *backend);
    REQUIRE_FALSE(bad.ok());
    CHECK(bad.error().message == "aggregate: the centre is not finite at value 0");
    const std::vector<float> far(9, 1e30f);
    centred.centre = kernels::Row(far);
    const auto range = kernels::aggregate(clipping, centred, *backend);
    REQUIRE_FALSE(range.ok());
    CHECK(range.error().message.find("out_of_range: the centre") != std::string::npos);
    const std::vector<float> shorter(8, 1.0f);
    centred.centre = kernels::Row(shorter);
    const auto length = kernels::aggregate(clipping, centred, *backend);
    REQUIRE_FALSE(length.ok());
    CHECK(length.error().message == "aggregate: the centre has 8 values, the model 9");
  }
}
