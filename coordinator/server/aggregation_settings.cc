#include "coordinator/server/aggregation_settings.h"

#include "kernels/base/number_text.h"
#include "kernels/spec_text.h"

namespace gradmint {
namespace {

using kernels::GivenParameter;
using kernels::NamedRule;
using kernels::RuleInfo;

// Refuses what is neither a number nor text.
std::vector<GivenParameter> read_parameters(TomlConfig& toml, const std::string& table) {
  std::map<std::string, TomlValue> values;
  toml.values(table, values);
  std::vector<GivenParameter> parameters;
  for (const auto& [name, value] : values) {
    if (const auto* whole = std::get_if<std::int64_t>(&value)) {
      parameters.push_back({name, std::to_string(*whole)});
    } else if (const auto* number = std::get_if<double>(&value)) {
      parameters.push_back({name, shortest_text(*number)});
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      parameters.push_back({name, *text});
    } else {
      toml.refuse(table + "." + name, "must be a number or a choice in quotes");
    }
  }
  return parameters;
}

class Reading {
 public:
  explicit Reading(TomlConfig& toml) : toml_(toml) {}

  void rule(const std::string& key, const std::string& text, std::string_view kind,
            std::span<const RuleInfo> rules, NamedRule& out) {
    auto parsed = kernels::parse_rule(text, kind, rules);
    if (!parsed) return refuse(key, parsed.error());
    out = *std::move(parsed);
  }

  void one_rule(const std::string& key, std::string_view kind, std::span<const RuleInfo> rules,
                NamedRule& out) {
    std::string text = out.name;
    toml_.text(key, text);
    rule(key, text, kind, rules, out);
  }

  void parameters(const std::string& table, kernels::AggregateSpec& spec) {
    for (const GivenParameter& each : read_parameters(toml_, table)) {
      const Status applied = kernels::apply_parameters(spec, std::span(&each, 1));
      if (!applied) refuse(table + "." + each.name, applied.error());
    }
  }

  void refuse(const std::string& key, const Error& error) {
    toml_.refuse(key, "is refused: " + error.message);
    refused_ = true;
  }
  bool refused() const { return refused_; }

 private:
  TomlConfig& toml_;
  bool refused_ = false;
};

// The key to name where a completed spec is refused as a whole.
std::string key_of(const Error& error) {
  if (error.message.rfind(kernels::kPreKind, 0) == 0) return "aggregation.pre";
  if (error.message.rfind(kernels::kOptimizerKind, 0) == 0) return "aggregation.optimizer";
  return "aggregation.aggregator";
}

}  // namespace

void read_aggregation(TomlConfig& toml, kernels::AggregateSpec& out) {
  kernels::AggregateSpec spec;
  Reading reading(toml);
  double clip_norm = 0;
  toml.number("aggregation.clip_norm", clip_norm, 0.0, 1e30);
  if (clip_norm > 0) spec.pre.push_back({"clip", {{"tau", static_cast<float>(clip_norm)}}});
  std::vector<std::string> pre;
  toml.texts("aggregation.pre", pre);
  for (const std::string& text : pre) {
    reading.rule("aggregation.pre", text, kernels::kPreKind, kernels::pre_rules(),
                 spec.pre.emplace_back());
  }
  reading.one_rule("aggregation.aggregator", kernels::kAggregatorKind, kernels::aggregator_rules(),
                   spec.aggregator);
  reading.one_rule("aggregation.optimizer", kernels::kOptimizerKind, kernels::optimizer_rules(),
                   spec.optimizer);
  // Given to the optimizer alone, whatever else would take them.
  kernels::AggregateSpec only_optimizer;
  only_optimizer.optimizer = spec.optimizer;
  reading.parameters("aggregation.optimizer_parameters", only_optimizer);
  spec.optimizer = only_optimizer.optimizer;
  reading.parameters("aggregation.parameters", spec);
  if (reading.refused()) return;
  auto complete = kernels::complete_spec(spec);
  if (complete) {
    out = *std::move(complete);
  } else {
    reading.refuse(key_of(complete.error()), complete.error());
  }
}

}  // namespace gradmint
