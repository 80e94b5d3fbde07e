#include "coordinator/cli/rules_json.h"

#include <algorithm>
#include <bit>

#include "kernels/base/number_text.h"
#include "kernels/rule_lookup.h"

namespace gradmint {
namespace {

using Json = nlohmann::ordered_json;
using kernels::ParameterInfo;
using kernels::RuleInfo;

// Null where this program does not know the rule, or not the parameter.
const ParameterInfo* find_info(std::span<const RuleInfo> rules, const std::string& rule,
                               const std::string& parameter) {
  const RuleInfo* known = kernels::find_rule(rules, rule);
  return known == nullptr ? nullptr : kernels::find_parameter(*known, parameter);
}

Json value_json(const ParameterInfo* info, float value) {
  if (info != nullptr) {
    for (std::size_t i = 0; i < info->choices.size(); ++i) {
      if (value == static_cast<float>(i)) return std::string(info->choices[i]);
    }
    if (info->whole && value >= 0.0f && value <= 16777216.0f) {
      return static_cast<std::uint32_t>(value);
    }
  }
  return as_written(value);
}

Json step_json(const AggregationStep& step, std::span<const RuleInfo> rules) {
  Json parameters = Json::object();
  for (const Parameter& p : step.parameters) {
    parameters[p.name] =
        value_json(find_info(rules, step.name, p.name), std::bit_cast<float>(p.bits));
  }
  return {{"name", step.name}, {"parameters", std::move(parameters)}};
}

}  // namespace

Json rules_json(const AggregationSpec& spec) {
  Json pre = Json::array();
  for (const AggregationStep& step : spec.pre) pre.push_back(step_json(step, kernels::pre_rules()));
  return {{"pre", std::move(pre)},
          {"aggregator", step_json(spec.aggregator, kernels::aggregator_rules())},
          {"optimizer", step_json(spec.optimizer, kernels::optimizer_rules())}};
}

}  // namespace gradmint
