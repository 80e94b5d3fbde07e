#include "kernels/aggregate_spec.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "kernels/base/check.h"
#include "kernels/base/number_text.h"
#include "kernels/fixed_point.h"
#include "kernels/parallel.h"
#include "kernels/rule_lookup.h"

namespace gradmint::kernels {
namespace {

constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kMostUpdates = static_cast<float>(kMaxUpdates);
constexpr float kMostFaults = kMostUpdates - 1.0f;
constexpr float kMostSteps = 10000.0f;

ParameterInfo faults() {
  return {"f", "updates that may be faulty", std::nullopt, 0.0f, kMostFaults, false, true};
}

ParameterInfo steps(float preset) {
  return {"steps", "iterations", preset, 1.0f, kMostSteps, false, true};
}

// The first of the names is the preset.
ParameterInfo choice(std::string_view name, std::string_view meaning,
                     std::vector<std::string_view> names) {
  const float last = static_cast<float>(names.size() - 1);
  return {name, meaning, 0.0f, 0.0f, last, false, true, std::move(names)};
}

bool in_range(const ParameterInfo& info, float value) {
  if (!std::isfinite(value) || value > info.maximum) return false;
  if (info.below_maximum && value == info.maximum) return false;
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
         (info.above_minimum ? "above " : "at least ") + shortest_text(info.minimum) +
         (info.maximum == kLargest
              ? ""
              : (info.below_maximum ? ", below " : ", at most ") + shortest_text(info.maximum));
}

Result<NamedRule> complete_rule(std::string_view kind, std::span<const RuleInfo> rules,
                                const NamedRule& rule) {
  const RuleInfo* info = find_rule(rules, rule.name);
  const std::string what = std::string(kind) + " '" + rule.name + "'";
  if (info == nullptr) {
    return Error{ErrorCode::bad_input, what + " is unknown: known are " + names_of(rules)};
  }
  for (const Parameter& given : rule.parameters) {
    if (find_parameter(*info, given.name) == nullptr) {
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
                   where + " = " + shortest_text(*value) + ": must be " + range_of(each)};
    }
    complete.parameters.push_back({std::string(each.name), *value + 0.0f});
  }
  return complete;
}

Status check_pre_order(const std::vector<NamedRule>& pre) {
  for (std::size_t i = 0; i < pre.size(); ++i) {
    const auto again = [&](const NamedRule& other) { return other.name == pre[i].name; };
    if (std::count_if(pre.begin(), pre.end(), again) > 1) {
      return Error{ErrorCode::bad_input, "pre-aggregation '" + pre[i].name + "' is given twice"};
    }
    if (pre[i].name == "nnm" && i + 1 < pre.size()) {
      return Error{ErrorCode::bad_input,
                   "pre-aggregation 'nnm' must come last, after '" + pre[i + 1].name + "'"};
    }
  }
  return {};
}

}  // namespace

std::span<const RuleInfo> pre_rules() {
  static const std::vector<RuleInfo> rules = {
      {"clip",
       "scales an update down to a norm of at most tau",
       {{"tau", "largest norm left as it is", std::nullopt, 0.0f, kLargest, true}}},
      {"arc",
       "scales the floor(2f(n-f)/n) longest of n updates down to the longest of the others",
       {faults()}},
      {"nnm", "makes each update the mean of the n-f nearest to it", {faults()}},
  };
  return rules;
}

std::span<const RuleInfo> aggregator_rules() {
  static const ParameterInfo krum_convention =
      choice("convention", "which neighbours make the score, and what is kept",
             {"paper", "byzfl", "flower"});
  static const std::vector<RuleInfo> rules = {
      {"mean", "weighted mean", {}},
      {"median", "coordinate-wise median, unweighted; an even count averages the middle pair", {}},
      {"trimmed_mean",
       "coordinate-wise mean without the f lowest and f highest values, unweighted",
       {{"f", "values dropped per side", 0.0f, 0.0f, kMostFaults, false, true},
        {"beta",
         "share of the values dropped per side, in place of f",
         0.0f,
         0.0f,
         0.5f,
         false,
         false,
         {},
         true}}},
      {"krum", "the update closest to its nearest neighbours", {faults(), krum_convention}},
      {"multi_krum",
       "mean of the m updates closest to their nearest neighbours",
       {faults(),
        {"m", "updates kept; 0 for the convention's count", 0.0f, 0.0f, kMostUpdates, false, true},
        krum_convention}},
      {"bulyan",
       "coordinate-wise mean of the values nearest to the median of what Krum chose, unweighted",
       {faults(), choice("convention", "how Krum chooses", {"iterative", "one_shot"})}},
      {"geometric_median",
       "the point with the least sum of distances, by smoothed Weiszfeld steps; unweighted",
       {{"nu", "smallest distance told apart", 1e-6f, 0.0f, kLargest, true},
        choice("scale", "whether nu is a multiple of the median norm", {"relative", "absolute"}),
        steps(8.0f)}},
      {"centered_clipping",
       "moves a centre by the mean of the clipped differences to it; unweighted",
       {{"tau", "largest difference left as it is", std::nullopt, 0.0f, kLargest, true},
        steps(1.0f)}},
      {"mda", "mean of the n-f updates with the smallest diameter, unweighted", {faults()}},
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
  if (const Status order = check_pre_order(complete.pre); !order.ok()) return order.error();
  auto aggregator = complete_rule("aggregator", aggregator_rules(), spec.aggregator);
  if (!aggregator.ok()) return aggregator.error();
  auto optimizer = complete_rule("optimizer", optimizer_rules(), spec.optimizer);
  if (!optimizer.ok()) return optimizer.error();
  if (aggregator->name == "trimmed_mean" && parameter_of(*aggregator, "f") != 0.0f &&
      parameter_of(*aggregator, "beta") != 0.0f) {
    return Error{ErrorCode::bad_input,
                 "aggregator 'trimmed_mean': f and beta both say how much is dropped; give one"};
  }
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

std::size_t whole_parameter(const NamedRule& rule, std::string_view name) {
  const float value = parameter_of(rule, name);
  GRADMINT_CHECK(value >= 0.0f && value <= 16777216.0f && value == std::floor(value));
  return static_cast<std::size_t>(value);
}

std::string_view choice_of(std::span<const RuleInfo> rules, const NamedRule& rule,
                           std::string_view name) {
  const RuleInfo* info = find_rule(rules, rule.name);
  GRADMINT_CHECK(info != nullptr);
  const ParameterInfo* found = find_parameter(*info, name);
  const std::size_t chosen = whole_parameter(rule, name);
  GRADMINT_CHECK(found != nullptr && chosen < found->choices.size());
  return found->choices[chosen];
}

}  // namespace gradmint::kernels
