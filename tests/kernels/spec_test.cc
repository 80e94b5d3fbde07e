// Rules by name: completion and refusals.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "kernels/aggregate_spec.h"

using namespace gradmint;
using kernels::AggregateSpec;

TEST_CASE("a spec is completed in the declared order") {
  AggregateSpec spec;
  spec.pre = {{"clip", {{"tau", 2.0f}}}};
  spec.aggregator = {"median", {}};
  spec.optimizer = {"nesterov", {{"beta", 0.5f}}};
  const auto complete = kernels::complete_spec(spec).value();
  CHECK(complete.optimizer.parameters ==
        std::vector<kernels::Parameter>{{"lr", 1.0f}, {"beta", 0.5f}});
  CHECK(kernels::complete_spec(complete).value() == complete);
  CHECK(kernels::parameter_of(complete.pre[0], "tau") == 2.0f);
  CHECK(kernels::optimizer_state_per_value("plain") == 0);
  CHECK(kernels::optimizer_state_per_value("nesterov") == 1);
  CHECK(kernels::optimizer_state_per_value("momentum") == 1);
  for (const char* adaptive : {"adagrad", "adam", "yogi"}) {
    CHECK(kernels::optimizer_state_per_value(adaptive) == 2);
    CHECK(kernels::complete_spec({{}, {"mean", {}}, {adaptive, {}}}).ok());
  }
}

TEST_CASE("a wrong spec is refused by name") {
  struct Case {
    AggregateSpec spec;
    const char* named;
  };
  const Case cases[] = {
      {{{}, {"average", {}}, {"plain", {}}},
       "aggregator 'average' is unknown: known are mean, median"},
      {{{}, {"mean", {{"f", 1}}}, {"plain", {}}}, "aggregator 'mean' has no parameter 'f'"},
      {{{}, {"mean", {}}, {"adamw", {}}}, "optimizer 'adamw' is unknown"},
      {{{}, {"mean", {}}, {"plain", {{"lr", 0.0f}}}}, "parameter 'lr'"},
      {{{}, {"mean", {}}, {"plain", {{"lr", -1.0f}}}}, "must be above"},
      {{{}, {"mean", {}}, {"plain", {{"lr", NAN}}}}, "parameter 'lr'"},
      {{{}, {"mean", {}}, {"plain", {{"lr", 1}, {"lr", 2}}}}, "given twice"},
      {{{}, {"mean", {}}, {"nesterov", {{"beta", 1.5f}}}}, "at most 1"},
      {{{}, {"mean", {}}, {"adam", {{"eps", 0.0f}}}}, "parameter 'eps'"},
      {{{}, {"mean", {}}, {"adagrad", {{"beta2", 0.5f}}}}, "has no parameter 'beta2'"},
      {{{{"clip", {}}}, {"mean", {}}, {"plain", {}}}, "parameter 'tau' must be given"},
      {{{{"clip", {{"tau", INFINITY}}}}, {"mean", {}}, {"plain", {}}}, "parameter 'tau'"},
      {{{{"trim", {}}}, {"mean", {}}, {"plain", {}}}, "pre-aggregation 'trim' is unknown"},
      {{{{"clip", {{"tau", 1}}}, {"clip", {{"tau", 2}}}}, {"mean", {}}, {"plain", {}}},
       "given twice"},
  };
  for (const Case& each : cases) {
    const auto got = kernels::complete_spec(each.spec);
    REQUIRE_FALSE(got.ok());
    CHECK(got.error().code == ErrorCode::bad_input);
    CHECK_MESSAGE(got.error().message.find(each.named) != std::string::npos, got.error().message);
  }
}
