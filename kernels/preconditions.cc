#include "kernels/preconditions.h"

#include <algorithm>
#include <string>

#include "kernels/krum.h"
#include "kernels/minimum_diameter.h"

namespace gradmint::kernels {
namespace {

bool is_krum(const NamedRule& rule) { return rule.name == "krum" || rule.name == "multi_krum"; }

// The smallest n that the rule's f allows.
std::size_t least_for_faults(const NamedRule& rule) {
  if (rule.name == "arc" || rule.name == "nnm") return whole_parameter(rule, "f") + 1;
  if (rule.name == "trimmed_mean" || rule.name == "mda") return 2 * whole_parameter(rule, "f") + 1;
  if (rule.name == "bulyan") return 4 * whole_parameter(rule, "f") + 3;
  if (!is_krum(rule)) return 1;
  const std::size_t f = whole_parameter(rule, "f");
  switch (static_cast<KrumConvention>(whole_parameter(rule, "convention"))) {
    case KrumConvention::byzfl:
      return 2 * f + 1;
    case KrumConvention::flower:
      return f + 1;
    case KrumConvention::paper:
      break;
  }
  return 2 * f + 3;
}

std::size_t least_to_keep(const NamedRule& rule) {
  return rule.name == "multi_krum" ? whole_parameter(rule, "m") : 0;
}

std::size_t least_for(const NamedRule& rule) {
  return std::max(least_for_faults(rule), least_to_keep(rule));
}

std::string describe(std::string_view kind, std::span<const RuleInfo> rules,
                     const NamedRule& rule) {
  std::string text = std::string(kind) + " '" + rule.name + "'";
  if (!is_krum(rule)) return text;
  return text + ", convention " + std::string(choice_of(rules, rule, "convention"));
}

Status check_rule(const std::string& what, const NamedRule& rule, std::size_t updates) {
  const auto needs = [&](const char* parameter, std::size_t least) -> Error {
    return {ErrorCode::bad_input, what + ": " + parameter + " = " +
                                      std::to_string(whole_parameter(rule, parameter)) +
                                      " needs at least " + std::to_string(least) +
                                      " updates, there are " + std::to_string(updates)};
  };
  if (updates < least_for_faults(rule)) return needs("f", least_for_faults(rule));
  if (updates < least_to_keep(rule)) return needs("m", least_to_keep(rule));
  if (rule.name != "mda") return {};
  const std::size_t f = whole_parameter(rule, "f");
  if (count_subsets(updates, f) <= kMaxDiameterSubsets) return {};
  return Error{ErrorCode::bad_input,
               what + ": f = " + std::to_string(f) + " of " + std::to_string(updates) +
                   " updates leaves more than " + std::to_string(kMaxDiameterSubsets) +
                   " subsets to choose from; use fewer updates or another aggregator"};
}

}  // namespace

std::size_t least_updates(const AggregateSpec& complete) {
  std::size_t least = std::max<std::size_t>(1, least_for(complete.aggregator));
  for (const NamedRule& pre : complete.pre) least = std::max(least, least_for(pre));
  return least;
}

Status check_update_count(const AggregateSpec& complete, std::size_t updates) {
  for (const NamedRule& pre : complete.pre) {
    const std::string what = describe("pre-aggregation", pre_rules(), pre);
    if (const Status fits = check_rule(what, pre, updates); !fits.ok()) return fits;
  }
  return check_rule(describe("aggregator", aggregator_rules(), complete.aggregator),
                    complete.aggregator, updates);
}

}  // namespace gradmint::kernels
