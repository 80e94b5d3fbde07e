// Rules and parameters by name, for what reads and checks them (aggregate_spec.h, spec_text.h).
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "kernels/aggregate_spec.h"

namespace gradmint::kernels {

// Null where there is none of that name.
inline const RuleInfo* find_rule(std::span<const RuleInfo> rules, std::string_view name) {
  const auto found = std::find_if(rules.begin(), rules.end(),
                                  [&](const RuleInfo& rule) { return rule.name == name; });
  return found == rules.end() ? nullptr : &*found;
}

inline const ParameterInfo* find_parameter(const RuleInfo& rule, std::string_view name) {
  const auto found = std::find_if(rule.parameters.begin(), rule.parameters.end(),
                                  [&](const ParameterInfo& each) { return each.name == name; });
  return found == rule.parameters.end() ? nullptr : &*found;
}

// "mean, median", for people.
template <class Items>
std::string names_of(const Items& items) {
  std::string names;
  for (const auto& item : items) {
    names += (names.empty() ? "" : ", ") + std::string(item.name);
  }
  return names.empty() ? "none" : names;
}

}  // namespace gradmint::kernels
