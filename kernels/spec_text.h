// Rules and their parameters as people write them: "krum:f=1,convention=byzfl" on a command line or
// in a configuration, and single parameters ("--f 1") that find the rule they belong to. Choices
// are written by name. Generic over the registries of aggregate_spec.h; ranges and what is missing
// are complete_spec()'s matter. Thread-safe, independent of the locale.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/aggregate_spec.h"
#include "kernels/base/result.h"

namespace gradmint::kernels {

// What messages call each registry.
inline constexpr std::string_view kPreKind = "pre-aggregation";
inline constexpr std::string_view kAggregatorKind = "aggregator";
inline constexpr std::string_view kOptimizerKind = "optimizer";

// "name" or "name:parameter=value,parameter=value", no spaces; capitals and hyphens of a name as
// others write it are small letters and underscores here. An Error names what is unknown, given
// twice, or not a number or choice.
Result<NamedRule> parse_rule(std::string_view text, std::string_view kind,
                             std::span<const RuleInfo> rules);

// The inverse: every parameter the rule holds, in its order; numbers in the shortest text that
// gives the same fp32 bits. The rule must be known (checked).
std::string rule_text(const NamedRule& rule, std::span<const RuleInfo> rules);
// One parameter's value as rule_text writes it, the choice's name where it has choices.
std::string parameter_text(const ParameterInfo& info, float value);

// A parameter that was given by its name alone.
struct GivenParameter {
  std::string name;
  std::string text;
};

// Gives each parameter to the rule of `spec` that declares it and was not given it already. `f`,
// the number of updates that may be faulty, is one number for all rules that take it; any other
// parameter that two rules would take is an Error, as is one that no rule takes.
Status apply_parameters(AggregateSpec& spec, std::span<const GivenParameter> given);

// The names of all parameters of all rules, ascending, each once; and for one of them which rules
// take it and what it means to each, for help texts: "trimmed_mean: ...; krum: ...".
std::vector<std::string> parameter_names();
std::string parameter_help(std::string_view name);

}  // namespace gradmint::kernels
