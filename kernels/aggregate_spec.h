// What a round asks the kernels to do, by name: pre-aggregation, aggregator and server optimizer,
// each with parameters by name. Parameters are fp32; their bits go on the ledger.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/base/result.h"

namespace gradmint::kernels {

struct Parameter {
  std::string name;
  float value = 0;
  bool operator==(const Parameter&) const = default;
};

struct NamedRule {
  std::string name;
  std::vector<Parameter> parameters;
  bool operator==(const NamedRule&) const = default;
};

struct AggregateSpec {
  std::vector<NamedRule> pre;  // applied in order, before the aggregator; empty for none
  NamedRule aggregator{"mean", {}};
  NamedRule optimizer{"plain", {}};
  bool operator==(const AggregateSpec&) const = default;
};

// What is known of a parameter: allowed are finite values with minimum <= x <= maximum, or
// minimum < x where `above_minimum`, x < maximum where `below_maximum`; whole numbers only where
// `whole`. A parameter with choices is one of them by name for people, and its place among them (0,
// 1, ...) as a value.
struct ParameterInfo {
  std::string_view name;
  std::string_view meaning;
  std::optional<float> preset;  // used where the spec leaves it out; without one it must be given
  float minimum = 0;
  float maximum = 0;
  bool above_minimum = false;
  bool whole = false;
  std::vector<std::string_view> choices = {};
  bool below_maximum = false;  // x < maximum
};

struct RuleInfo {
  std::string_view name;
  std::string_view meaning;
  std::vector<ParameterInfo> parameters;
};

// Everything there is, for help texts and checks.
std::span<const RuleInfo> pre_rules();         // clip, arc, nnm
std::span<const RuleInfo> aggregator_rules();  // mean, median, trimmed_mean, krum, multi_krum,
                                               // bulyan, geometric_median, centered_clipping, mda
std::span<const RuleInfo> optimizer_rules();   // plain, momentum, nesterov, adagrad, adam, yogi

// The same spec with every parameter present, in the order the rule declares them: the form that
// goes on the ledger. An Error naming what is unknown, repeated, missing or out of its range. Each
// pre-aggregation is given at most once, and nnm only last. What depends on the number of updates
// is in preconditions.h.
Result<AggregateSpec> complete_spec(const AggregateSpec& spec);

// Optimizer state values per coordinate of the model: 0 for plain, 1 for momentum and nesterov, 2
// for the adaptive ones. First moments of all values come first, then second ones. The name must be
// known (checked).
std::size_t optimizer_state_per_value(std::string_view optimizer);

// The value of a parameter of a completed rule (checked).
float parameter_of(const NamedRule& rule, std::string_view name);

// The same where it is a whole number (checked), and the name of a parameter that is a choice.
std::size_t whole_parameter(const NamedRule& rule, std::string_view name);
std::string_view choice_of(std::span<const RuleInfo> rules, const NamedRule& rule,
                           std::string_view name);

}  // namespace gradmint::kernels
