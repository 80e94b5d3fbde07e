#include "benchmarks/sample_specs.h"

#include <algorithm>
#include <cmath>

namespace gradmint::benchmarks {
namespace {

using kernels::AggregateSpec;
using kernels::NamedRule;
using kernels::ParameterInfo;
using kernels::RuleInfo;

// A value for a parameter that must be given, or that would do nothing at its preset. Norms: the
// updates are uniform in [-1, 1), so half their expected norm sqrt(D / 3) clips all of them.
std::optional<float> sample_value(const ParameterInfo& info, std::size_t updates,
                                  std::size_t size) {
  if (info.name == "f") {
    return static_cast<float>(updates < 3 ? 0 : std::min<std::size_t>(3, (updates - 3) / 4));
  }
  if (info.preset.has_value()) return std::nullopt;
  if (info.name == "tau") return static_cast<float>(std::sqrt(static_cast<double>(size) / 3) / 2);
  return info.above_minimum ? std::max(1.0f, info.minimum) : info.minimum;
}

struct SampleRule {
  std::string label;
  NamedRule rule;
};

// The rule with sample parameters, once for each of its choices.
std::vector<SampleRule> samples_of(const RuleInfo& info, std::size_t updates, std::size_t size) {
  SampleRule plain{std::string(info.name), {std::string(info.name), {}}};
  for (const ParameterInfo& each : info.parameters) {
    if (const auto value = sample_value(each, updates, size); value.has_value()) {
      plain.rule.parameters.push_back({std::string(each.name), *value});
    }
  }
  std::vector<SampleRule> samples = {plain};
  for (const ParameterInfo& each : info.parameters) {
    for (std::size_t choice = 0; choice < each.choices.size(); ++choice) {
      const auto value = static_cast<float>(choice);
      if (each.preset.has_value() && *each.preset == value) continue;
      SampleRule sample = plain;
      sample.label += "_" + std::string(each.choices[choice]);
      sample.rule.parameters.push_back({std::string(each.name), value});
      samples.push_back(std::move(sample));
    }
  }
  return samples;
}

}  // namespace

std::vector<SampleSpec> sample_specs(std::size_t updates, std::size_t size) {
  std::vector<SampleSpec> specs;
  for (const RuleInfo& info : kernels::aggregator_rules()) {
    for (SampleRule& sample : samples_of(info, updates, size)) {
      AggregateSpec spec;
      spec.aggregator = std::move(sample.rule);
      specs.push_back({"aggregate/" + sample.label, std::move(spec)});
    }
  }
  for (const RuleInfo& info : kernels::pre_rules()) {
    for (const char* aggregator : {"mean", "median"}) {
      for (const SampleRule& sample : samples_of(info, updates, size)) {
        AggregateSpec spec;
        spec.pre = {sample.rule};
        spec.aggregator = {aggregator, {}};
        specs.push_back({"pre/" + sample.label + "+" + aggregator, std::move(spec)});
      }
    }
  }
  for (const RuleInfo& info : kernels::optimizer_rules()) {
    for (SampleRule& sample : samples_of(info, updates, size)) {
      AggregateSpec spec;
      spec.optimizer = std::move(sample.rule);
      specs.push_back({"optimizer/" + sample.label, std::move(spec)});
    }
  }
  return specs;
}

bool has_aggregator(std::string_view name) {
  const auto rules = kernels::aggregator_rules();
  return std::any_of(rules.begin(), rules.end(),
                     [&](const RuleInfo& rule) { return rule.name == name; });
}

}  // namespace gradmint::benchmarks
