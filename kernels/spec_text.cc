#include "kernels/spec_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <set>
#include <utility>

#include "kernels/base/check.h"
#include "kernels/base/nearest.h"
#include "kernels/base/number_text.h"
#include "kernels/parallel.h"
#include "kernels/rule_lookup.h"

namespace gradmint::kernels {
namespace {

constexpr std::string_view kShared = "f";

struct Registry {
  std::string_view kind;
  std::span<const RuleInfo> rules;
};

std::array<Registry, 3> registries() {
  return {Registry{kPreKind, pre_rules()}, Registry{kAggregatorKind, aggregator_rules()},
          Registry{kOptimizerKind, optimizer_rules()}};
}

Error bad(std::string message) { return {ErrorCode::bad_input, std::move(message)}; }

// As papers and other libraries write it: multi-krum, Krum.
std::string plain_name(std::string_view text) {
  std::string name(text);
  for (char& c : name) {
    if (c == '-') c = '_';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return name;
}

Result<float> parse_number(const ParameterInfo& info, std::string_view text,
                           const std::string& where) {
  const ExactFloats exact;
  double precise = 0;
  float value = 0;
  const char* end = text.data() + text.size();
  const auto as_double = std::from_chars(text.data(), end, precise);
  const auto as_float = std::from_chars(text.data(), end, value);
  if (as_double.ec != std::errc{} || as_float.ec != std::errc{} || as_float.ptr != end) {
    return bad(where + " = '" + std::string(text) + "': must be a " +
               (info.whole ? "whole number" : "number that fp32 can hold"));
  }
  if (info.whole && static_cast<double>(value) != precise) {
    return bad(where + " = '" + std::string(text) + "': must be a whole number that fp32 can hold");
  }
  return value;
}

Result<float> parse_value(const ParameterInfo& info, std::string_view text,
                          const std::string& where) {
  if (info.choices.empty()) return parse_number(info, text, where);
  const auto found = std::find(info.choices.begin(), info.choices.end(), text);
  if (found != info.choices.end()) return static_cast<float>(found - info.choices.begin());
  std::string known;
  for (const std::string_view choice : info.choices) {
    known += (known.empty() ? "" : ", ") + std::string(choice);
  }
  return bad(where + " = '" + std::string(text) + "': must be one of " + known);
}

Status add_parameter(NamedRule& rule, const RuleInfo& info, const std::string& what,
                     std::string_view pair) {
  const std::size_t equals = pair.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return bad(what + ": '" + std::string(pair) + "' is not parameter=value");
  }
  const std::string_view name = pair.substr(0, equals);
  const ParameterInfo* parameter = find_parameter(info, name);
  if (parameter == nullptr) {
    return bad(what + " has no parameter '" + std::string(name) + "': it takes " +
               names_of(info.parameters));
  }
  const std::string where = what + ", parameter '" + std::string(name) + "'";
  for (const Parameter& given : rule.parameters) {
    if (given.name == name) return bad(where + " is given twice");
  }
  const auto value = parse_value(*parameter, pair.substr(equals + 1), where);
  if (!value.ok()) return value.error();
  rule.parameters.push_back({std::string(name), *value});
  return {};
}

struct Taker {
  NamedRule* rule = nullptr;
  const ParameterInfo* parameter = nullptr;
  std::string what;  // "aggregator 'krum'"
};

// The rules of the spec that declare the parameter, whether they have it already or not.
std::vector<Taker> takers_of(AggregateSpec& spec, std::string_view name) {
  std::vector<Taker> takers;
  const auto look_at = [&](std::string_view kind, std::span<const RuleInfo> rules,
                           NamedRule& rule) {
    const RuleInfo* info = find_rule(rules, rule.name);
    const ParameterInfo* parameter = info == nullptr ? nullptr : find_parameter(*info, name);
    if (parameter == nullptr) return;
    takers.push_back({&rule, parameter, std::string(kind) + " '" + rule.name + "'"});
  };
  for (NamedRule& pre : spec.pre) look_at(kPreKind, pre_rules(), pre);
  look_at(kAggregatorKind, aggregator_rules(), spec.aggregator);
  look_at(kOptimizerKind, optimizer_rules(), spec.optimizer);
  return takers;
}

Error no_taker(const AggregateSpec& spec, std::string_view name) {
  std::string rules;
  for (const NamedRule& pre : spec.pre) rules += pre.name + ", ";
  rules += spec.aggregator.name + " and " + spec.optimizer.name;
  const std::string known = parameter_help(name);
  return bad("parameter '" + std::string(name) + "' is taken by none of " + rules +
             (known.empty() ? "" : "; it belongs to " + known));
}

Status apply_one(AggregateSpec& spec, const GivenParameter& given) {
  std::vector<Taker> takers = takers_of(spec, given.name);
  if (takers.empty()) return no_taker(spec, given.name);
  const std::string first = takers.front().what;
  for (std::size_t i = 1; i < takers.size(); ++i) {
    if (takers[i].what == takers[i - 1].what) return bad(takers[i].what + " is given twice");
  }
  std::erase_if(takers, [&](const Taker& taker) {
    return std::any_of(taker.rule->parameters.begin(), taker.rule->parameters.end(),
                       [&](const Parameter& has) { return has.name == given.name; });
  });
  if (takers.empty()) return bad(first + ", parameter '" + given.name + "' is given twice");
  if (takers.size() > 1 && given.name != kShared) {
    return bad("parameter '" + given.name + "' could belong to " + takers[0].what + " or " +
               takers[1].what + ": write it behind the rule, as in " + takers[0].rule->name + ":" +
               given.name + "=" + given.text);
  }
  for (const Taker& taker : takers) {
    const auto value =
        parse_value(*taker.parameter, given.text, taker.what + ", parameter '" + given.name + "'");
    if (!value.ok()) return value.error();
    taker.rule->parameters.push_back({given.name, *value});
  }
  return {};
}

// With what it may be where that is a choice, and what it is where it is left out.
std::string meaning_of(const ParameterInfo& info) {
  std::string text(info.meaning);
  std::string inside;
  for (const std::string_view choice : info.choices) {
    inside += (inside.empty() ? "" : ", ") + std::string(choice);
  }
  if (info.preset.has_value()) {
    inside += (inside.empty() ? "default " : "; default ") + parameter_text(info, *info.preset);
  }
  return inside.empty() ? text : text + " (" + inside + ")";
}

}  // namespace

Result<NamedRule> parse_rule(std::string_view text, std::string_view kind,
                             std::span<const RuleInfo> rules) {
  const std::size_t colon = text.find(':');
  NamedRule rule{plain_name(text.substr(0, colon)), {}};
  const RuleInfo* info = find_rule(rules, rule.name);
  if (info == nullptr) {
    std::set<std::string> known;
    for (const RuleInfo& each : rules) known.insert(std::string(each.name));
    const std::string meant = nearest_name(rule.name, known);
    return bad(std::string(kind) + " '" + std::string(text.substr(0, colon)) +
               "' is unknown: known are " + names_of(rules) +
               (meant.empty() ? "" : " (did you mean " + meant + "?)"));
  }
  const std::string what = std::string(kind) + " '" + rule.name + "'";
  if (colon == std::string_view::npos) return rule;
  std::string_view rest = text.substr(colon + 1);
  while (true) {
    const std::size_t comma = rest.find(',');
    if (const Status added = add_parameter(rule, *info, what, rest.substr(0, comma)); !added.ok()) {
      return added.error();
    }
    if (comma == std::string_view::npos) return rule;
    rest = rest.substr(comma + 1);
  }
}

std::string parameter_text(const ParameterInfo& info, float value) {
  if (!info.choices.empty()) {
    const auto index = static_cast<std::size_t>(value);
    GRADMINT_CHECK(value >= 0 && index < info.choices.size());
    return std::string(info.choices[index]);
  }
  return shortest_text(value);
}

std::string rule_text(const NamedRule& rule, std::span<const RuleInfo> rules) {
  const RuleInfo* info = find_rule(rules, rule.name);
  GRADMINT_CHECK(info != nullptr);
  std::string text = rule.name;
  char separator = ':';
  for (const Parameter& each : rule.parameters) {
    const ParameterInfo* parameter = find_parameter(*info, each.name);
    GRADMINT_CHECK(parameter != nullptr);
    text += separator + each.name + "=" + parameter_text(*parameter, each.value);
    separator = ',';
  }
  return text;
}

Status apply_parameters(AggregateSpec& spec, std::span<const GivenParameter> given) {
  for (const GivenParameter& each : given) {
    if (const Status applied = apply_one(spec, each); !applied.ok()) return applied;
  }
  return {};
}

std::vector<std::string> parameter_names() {
  std::set<std::string> names;
  for (const Registry& registry : registries()) {
    for (const RuleInfo& rule : registry.rules) {
      for (const ParameterInfo& each : rule.parameters) names.insert(std::string(each.name));
    }
  }
  return {names.begin(), names.end()};
}

std::string parameter_help(std::string_view name) {
  // Rules that mean the same by it are named together.
  std::vector<std::pair<std::string, std::string>> meanings;  // meaning, rules
  for (const Registry& registry : registries()) {
    for (const RuleInfo& rule : registry.rules) {
      const ParameterInfo* each = find_parameter(rule, name);
      if (each == nullptr) continue;
      const std::string meaning = meaning_of(*each);
      const auto same = std::find_if(meanings.begin(), meanings.end(),
                                     [&](const auto& known) { return known.first == meaning; });
      if (same == meanings.end()) {
        meanings.emplace_back(meaning, rule.name);
      } else {
        same->second += ", " + std::string(rule.name);
      }
    }
  }
  std::string help;
  for (const auto& [meaning, rules] : meanings) {
    help += (help.empty() ? "" : "; ") + rules + ": " + meaning;
  }
  return help;
}

}  // namespace gradmint::kernels
