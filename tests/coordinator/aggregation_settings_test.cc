// [aggregation] of a coordinator's configuration.
#include "coordinator/server/aggregation_settings.h"

#include <doctest/doctest.h>

#include "kernels/spec_text.h"

using namespace gradmint;

namespace {

// "clip:tau=2 | median | plain:lr=1", or the refusal.
std::string read(const std::string& text) {
  auto toml = TomlConfig::parse("[aggregation]\n" + text, "c.toml");
  if (!toml) return toml.error().message;
  kernels::AggregateSpec spec;
  read_aggregation(*toml, spec);
  if (const Status fine = toml->finish(); !fine) return fine.error().message;
  std::string rules;
  for (const auto& pre : spec.pre) rules += kernels::rule_text(pre, kernels::pre_rules()) + " | ";
  return rules + kernels::rule_text(spec.aggregator, kernels::aggregator_rules()) + " | " +
         kernels::rule_text(spec.optimizer, kernels::optimizer_rules());
}

}  // namespace

TEST_CASE("rules in a configuration") {
  CHECK(read("aggregator = 'median'") == "median | plain:lr=1");
  CHECK(read("clip_norm = 2") == "clip:tau=2 | mean | plain:lr=1");
  CHECK(read("pre = ['clip:tau=0.1']\noptimizer = 'adam:lr=0.5'") ==
        "clip:tau=0.1 | mean | adam:lr=0.5,beta1=0.9,beta2=0.99,eps=0.001");
  CHECK(read("pre = ['clip']\noptimizer = 'nesterov'\n[aggregation.parameters]\ntau = 3\n"
             "[aggregation.optimizer_parameters]\nlr = 0.25\nbeta = 0.5") ==
        "clip:tau=3 | mean | nesterov:lr=0.25,beta=0.5");
  CHECK(read("optimizer = 'momentum'\n[aggregation.parameters]\nbeta = '0.5'") ==
        "mean | momentum:lr=1,beta=0.5");
}

TEST_CASE("rules in a configuration that are refused, with line and key") {
  const std::pair<const char*, const char*> rows[] = {
      {"aggregator = 'krun'",
       "c.toml:2: 'aggregation.aggregator' is refused: aggregator 'krun' is unknown: known are "},
      {"aggregator = 'mean:f=1'",
       "c.toml:2: 'aggregation.aggregator' is refused: aggregator 'mean' has no parameter 'f'"},
      {"aggregator = 5", "'aggregation.aggregator' must be text in quotes"},
      {"optimizer = 'sgd'", "'aggregation.optimizer' is refused: optimizer 'sgd' is unknown"},
      {"pre = ['trim']", "'aggregation.pre' is refused: pre-aggregation 'trim' is unknown"},
      {"pre = ['clip']",
       "'aggregation.pre' is refused: pre-aggregation 'clip', parameter 'tau' "
       "must be given"},
      {"optimizer = 'plain:lr=0'",
       "'aggregation.optimizer' is refused: optimizer 'plain', "
       "parameter 'lr' = 0"},
      {"[aggregation.parameters]\ntau = 1",
       "c.toml:3: 'aggregation.parameters.tau' is refused: parameter 'tau' is taken by none of "
       "mean and plain"},
      {"[aggregation.optimizer_parameters]\nbeta = 0.5",
       "c.toml:3: 'aggregation.optimizer_parameters.beta' is refused: parameter 'beta'"},
      {"[aggregation.parameters]\nlr = true",
       "'aggregation.parameters.lr' must be a number or a choice in quotes"},
      {"agregator = 'mean'",
       "unknown key 'aggregation.agregator'; did you mean "
       "'aggregation.aggregator'?"},
  };
  for (const auto& row : rows) {
    const std::string text = row.first;
    CAPTURE(text);
    const std::string got = read(text);
    CHECK_MESSAGE(got.find(row.second) != std::string::npos, got);
  }
}
