#include "kernels/aggregate_spec.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/base/check.h"
#include "kernels/parallel.h"

namespace gradmint::kernels {
namespace {

constexpr float kLargest = std::numeric_limits<float>::max();

const RuleInfo* find_rule(std::span<const RuleInfo> rules, std::string_view name) {
  const auto found = std::find_if(rules.begin(), rules.end(),
                                  [&](const RuleInfo& rule) { return rule.name == name; });
  return found == rules.end() ? nullptr : &*found;
}

std::string names_of(std::span<const RuleInfo> rules) {
  std::string names;
  for (const RuleInfo& rule : rules) {
    if (!names.empty()) names += ", ";
    names += rule.name;
  }
  return names;
}

bool in_range(const ParameterInfo& info, float value) {
  if (!std::isfinite(value) || value > info.maximum) return false;
  if (info.whole && value != std::floor(value)) return false;
  return info.above_minimum ? value > info.minimum : value >= info.minimum;
}

std::string range_of(const ParameterInfo& info) {
  if (!info.choices.empty()) {
    std::string names = "one of";
    for (const std::string_view choice : info.choices) names += " " + std::string(choice);
    return names;
  }
  return (info.whole ? std::string("a whole number, ") : std::string()) +
         (info.above_minimum ? "above " : "at least ") + std::to_string(info.minimum) +
         (info.maximum == kLargest ? "" : ", at most " + std::to_string(info.maximum));
}

Result<NamedRule> complete_rule(std::string_view kind, std::span<const RuleInfo> rules,
                                const NamedRule& rule) {
  const RuleInfo* info = find_rule(rules, rule.name);
  const std::string what = std::string(kind) + " '" + rule.name + "'";
  if (info == nullptr) {
    return Error{ErrorCode::bad_input, what + " is unknown: known are " + names_of(rules)};
  }
  for (const Parameter& given : rule.parameters) {
    const bool known =
        std::any_of(info->parameters.begin(), info->parameters.end(),
                    [&](const ParameterInfo& each) { return each.name == given.name; });
    if (!known) {
      return Error{ErrorCode::bad_input, what + " has no parameter '" + given.name + "'"};
    }
  }
  NamedRule complete{rule.name, {}};
  for (const ParameterInfo& each : info->parameters) {
    const std::string where = what + ", parameter '" + std::string(each.name) + "'";
    std::optional<float> value;
    for (const Parameter& given : rule.parameters) {
      if (given.name != each.name) continue;
      if (value.has_value()) return Error{ErrorCode::bad_input, where + " is given twice"};
      value = given.value;
    }
    if (!value.has_value()) value = each.preset;
    if (!value.has_value()) return Error{ErrorCode::bad_input, where + " must be given"};
    if (!in_range(each, *value)) {
      return Error{ErrorCode::bad_input,
                   where + " = " + std::to_string(*value) + ": must be " + range_of(each)};
    }
    complete.parameters.push_back({std::string(each.name), *value + 0.0f});
  }
  return complete;
}

}  // namespace

std::span<const RuleInfo> pre_rules() {
  static const std::vector<RuleInfo> rules = {
      {"clip",
       "scales an update down to a norm of at most tau",
       {{"tau", "largest norm left as it is", std::nullopt, 0.0f, kLargest, true}}},
  };
  return rules;
}

std::span<const RuleInfo> aggregator_rules() {
  static const std::vector<RuleInfo> rules = {
      {"mean", "weighted mean", {}},
      {"median", "coordinate-wise median, unweighted; an even count averages the middle pair", {}},
  };
  return rules;
}

Result<AggregateSpec> complete_spec(const AggregateSpec& spec) {
  const ExactFloats exact;  // a denormal parameter is not zero
  AggregateSpec complete;
  for (const NamedRule& pre : spec.pre) {
    auto rule = complete_rule("pre-aggregation", pre_rules(), pre);
    if (!rule.ok()) return rule.error();
    complete.pre.push_back(std::move(*rule));
  }
  if (complete.pre.size() > 1) {
    return Error{ErrorCode::bad_input, "pre-aggregation 'clip' is given twice"};
  }
  auto aggregator = complete_rule("aggregator", aggregator_rules(), spec.aggregator);
  if (!aggregator.ok()) return aggregator.error();
  auto optimizer = complete_rule("optimizer", optimizer_rules(), spec.optimizer);
  if (!optimizer.ok()) return optimizer.error();
  complete.aggregator = std::move(*aggregator);
  complete.optimizer = std::move(*optimizer);
  return complete;
}

float parameter_of(const NamedRule& rule, std::string_view name) {
  const auto found = std::find_if(rule.parameters.begin(), rule.parameters.end(),
                                  [&](const Parameter& each) { return each.name == name; });
  GRADMINT_CHECK(found != rule.parameters.end());
  return found->value;
}

}  // namespace gradmint::kernels
