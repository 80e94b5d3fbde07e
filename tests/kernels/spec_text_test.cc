#include "kernels/spec_text.h"

#include <doctest/doctest.h>

#include <vector>

using namespace gradmint;
using namespace gradmint::kernels;

namespace {

// Rules of the test's own, so that the cases hold whatever the registry grows to.
const std::vector<RuleInfo>& own_rules() {
  static const std::vector<RuleInfo> rules = {
      {"plain_one", "takes nothing", {}},
      {"chosen",
       "takes three",
       {{"f", "how many", std::nullopt, 0, 100, false, true},
        {"nu", "a number", 1e-6f, 0, 1, true},
        {"convention", "whose", 0.0f, 0, 2, false, true, {"paper", "byzfl", "flower"}}}},
  };
  return rules;
}

std::string refusal(const std::string& text) {
  const auto rule = parse_rule(text, kAggregatorKind, own_rules());
  REQUIRE_FALSE(rule.ok());
  return rule.error().message;
}

std::string applied(AggregateSpec spec, const std::vector<GivenParameter>& given) {
  const Status status = apply_parameters(spec, given);
  if (!status.ok()) return status.error().message;
  std::string text;
  for (const NamedRule& pre : spec.pre) text += rule_text(pre, pre_rules()) + " ";
  return text + rule_text(spec.aggregator, aggregator_rules()) + " " +
         rule_text(spec.optimizer, optimizer_rules());
}

}  // namespace

TEST_CASE("a rule's text is parsed and written back") {
  for (const char* text :
       {"plain_one", "chosen", "chosen:f=1", "chosen:f=3,nu=1e-06,convention=flower",
        "chosen:convention=paper,f=0", "chosen:nu=0.1", "chosen:nu=1e-45"}) {
    CAPTURE(text);
    const auto rule = parse_rule(text, kAggregatorKind, own_rules());
    REQUIRE(rule.ok());
    CHECK(rule_text(*rule, own_rules()) == text);
  }
  const auto rule = parse_rule("chosen:convention=byzfl,f=2", kAggregatorKind, own_rules());
  REQUIRE(rule.ok());
  CHECK(rule->parameters == std::vector<Parameter>{{"convention", 1.0f}, {"f", 2.0f}});
}

TEST_CASE("a rule's name as others write it, and one that was mistyped") {
  for (const char* text : {"plain-one", "Plain_One", "PLAIN-ONE"}) {
    CAPTURE(text);
    const auto rule = parse_rule(text, kAggregatorKind, own_rules());
    REQUIRE(rule.ok());
    CHECK(rule->name == "plain_one");
  }
  const std::string known = "' is unknown: known are plain_one, chosen";
  CHECK(refusal("chossen") == "aggregator 'chossen" + known + " (did you mean chosen?)");
  CHECK(refusal("Plain-ones:f=1") ==
        "aggregator 'Plain-ones" + known + " (did you mean plain_one?)");
  CHECK(refusal("chess") == "aggregator 'chess" + known);
  CHECK(refusal("plain") == "aggregator 'plain" + known);
}

TEST_CASE("what a rule's text may not be, in one line each") {
  CHECK(refusal("other:f=1") == "aggregator 'other' is unknown: known are plain_one, chosen");
  CHECK(refusal("") == "aggregator '' is unknown: known are plain_one, chosen");
  CHECK(refusal("plain_one:f=1") == "aggregator 'plain_one' has no parameter 'f': it takes none");
  CHECK(refusal("chosen:tau=1") ==
        "aggregator 'chosen' has no parameter 'tau': it takes f, nu, convention");
  CHECK(refusal("chosen:") == "aggregator 'chosen': '' is not parameter=value");
  CHECK(refusal("chosen:f") == "aggregator 'chosen': 'f' is not parameter=value");
  CHECK(refusal("chosen:f=1,") == "aggregator 'chosen': '' is not parameter=value");
  CHECK(refusal("chosen:f=1,f=2") == "aggregator 'chosen', parameter 'f' is given twice");
  CHECK(refusal("chosen:f=one") ==
        "aggregator 'chosen', parameter 'f' = 'one': must be a whole number");
  CHECK(refusal("chosen:f=16777217") ==
        "aggregator 'chosen', parameter 'f' = '16777217': must be a whole number that fp32 can "
        "hold");
  CHECK(refusal("chosen:nu=1e-60") ==
        "aggregator 'chosen', parameter 'nu' = '1e-60': must be a number that fp32 can hold");
  CHECK(refusal("chosen:nu= 1") ==
        "aggregator 'chosen', parameter 'nu' = ' 1': must be a number that fp32 can hold");
  CHECK(refusal("chosen:convention=garfield") ==
        "aggregator 'chosen', parameter 'convention' = 'garfield': must be one of paper, byzfl, "
        "flower");
}

TEST_CASE("a parameter given alone finds its rule") {
  AggregateSpec spec;
  spec.pre = {{"clip", {}}};
  spec.optimizer = {"nesterov", {}};
  CHECK(applied(spec, {{"tau", "2"}, {"lr", "0.5"}}) == "clip:tau=2 mean nesterov:lr=0.5");
  CHECK(applied(spec, {}) == "clip mean nesterov");
  CHECK(applied(spec, {{"tau", "x"}}) ==
        "pre-aggregation 'clip', parameter 'tau' = 'x': must be a number that fp32 can hold");
  CHECK(applied(spec, {{"tau", "2"}, {"tau", "3"}}) ==
        "pre-aggregation 'clip', parameter 'tau' is given twice");
  CHECK(applied(spec, {{"sigma", "2"}}) ==
        "parameter 'sigma' is taken by none of clip, mean and nesterov");
  spec.pre = {{"clip", {{"tau", 1.0f}}}};
  CHECK(applied(spec, {{"tau", "2"}}) == "pre-aggregation 'clip', parameter 'tau' is given twice");
  spec.pre = {{"clip", {}}, {"clip", {}}};
  CHECK(applied(spec, {{"tau", "2"}}) == "pre-aggregation 'clip' is given twice");
  spec.pre = {{"clip", {}}};
  spec.aggregator = {"centered_clipping", {}};
  CHECK(applied(spec, {{"tau", "2"}}) ==
        "parameter 'tau' could belong to pre-aggregation 'clip' or aggregator 'centered_clipping': "
        "write it behind the rule, as in clip:tau=2");
  spec.aggregator = {"mean", {}};
  spec.pre.clear();
  const std::string message = applied(spec, {{"tau", "2"}});
  CHECK(message.rfind("parameter 'tau' is taken by none of mean and nesterov; it belongs to clip",
                      0) == 0);
}

TEST_CASE("every parameter there is has a help text, and each preset a text that parses back") {
  for (const std::string& name : parameter_names()) CHECK_FALSE(parameter_help(name).empty());
  CHECK(parameter_help("sigma").empty());
  for (const auto& rules : {pre_rules(), aggregator_rules(), optimizer_rules()}) {
    for (const RuleInfo& rule : rules) {
      NamedRule named{std::string(rule.name), {}};
      for (const ParameterInfo& each : rule.parameters) {
        named.parameters.push_back({std::string(each.name), each.preset.value_or(each.maximum)});
      }
      const auto again = parse_rule(rule_text(named, rules), kPreKind, rules);
      REQUIRE(again.ok());
      CHECK(*again == named);
    }
  }
}
