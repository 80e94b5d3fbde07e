#include "coordinator/cli/rules_help.h"

#include "kernels/spec_text.h"

namespace gradmint {
namespace {

using kernels::ParameterInfo;
using kernels::RuleInfo;

// "f", "beta=0.9", "convention=paper|byzfl|flower": the preset first, or none where it must be
// given.
std::string parameter_usage(const ParameterInfo& info) {
  std::string text(info.name);
  if (info.choices.empty()) {
    return info.preset ? text + "=" + kernels::parameter_text(info, *info.preset) : text;
  }
  const auto first = static_cast<std::size_t>(info.preset.value_or(0.0f));
  text += "=" + std::string(info.choices.at(first));
  for (std::size_t i = 0; i < info.choices.size(); ++i) {
    if (i != first) text += "|" + std::string(info.choices[i]);
  }
  return text;
}

std::string rule_lines(const char* title, std::span<const RuleInfo> rules) {
  std::string text = std::string(title) + ":\n";
  for (const RuleInfo& rule : rules) {
    text += "  " + std::string(rule.name);
    char separator = ':';
    for (const ParameterInfo& each : rule.parameters) {
      text += separator + parameter_usage(each);
      separator = ',';
    }
    text += "\n      " + std::string(rule.meaning) + "\n";
  }
  return text;
}

}  // namespace

std::string rules_help() {
  return rule_lines("Aggregators (a parameter without a value must be given)",
                    kernels::aggregator_rules()) +
         rule_lines("Pre-aggregations", kernels::pre_rules()) +
         rule_lines("Server optimizers", kernels::optimizer_rules());
}

}  // namespace gradmint
