#include "kernels/optimizer_spec.h"

#include <limits>
#include <utility>

#include "kernels/base/check.h"

namespace gradmint::kernels {
namespace {

constexpr float kLargest = std::numeric_limits<float>::max();

ParameterInfo fraction(std::string_view name, std::string_view meaning, float preset) {
  return {name, meaning, preset, 0.0f, 1.0f};
}

RuleInfo adaptive(std::string_view name, std::string_view meaning, const ParameterInfo& rate,
                  float first, std::optional<float> second) {
  RuleInfo rule{name, meaning, {rate, fraction("beta1", "decay of the first moment", first)}};
  if (second.has_value()) {
    rule.parameters.push_back(fraction("beta2", "decay of the second moment", *second));
  }
  rule.parameters.push_back(
      {"eps", "added to the root of the second moment", 1e-3f, 0.0f, kLargest, true});
  return rule;
}

// In the order of optimizer_rules().
constexpr std::pair<std::string_view, OptimizerKind> kKinds[] = {
    {"plain", OptimizerKind::plain},       {"momentum", OptimizerKind::momentum},
    {"nesterov", OptimizerKind::nesterov}, {"adagrad", OptimizerKind::adagrad},
    {"adam", OptimizerKind::adam},         {"yogi", OptimizerKind::yogi}};

OptimizerKind kind_of(std::string_view name) {
  for (const auto& [known, kind] : kKinds) {
    if (known == name) return kind;
  }
  GRADMINT_CHECK(false);  // the spec was not completed
  return OptimizerKind::plain;
}

}  // namespace

std::span<const RuleInfo> optimizer_rules() {
  static const ParameterInfo rate{"lr", "step length", 1.0f, 0.0f, kLargest, true};
  static const ParameterInfo momentum = fraction("beta", "momentum", 0.9f);
  static const std::vector<RuleInfo> rules = {
      {"plain", "adds lr times the aggregate", {rate}},
      {"momentum", "momentum on the server", {rate, momentum}},
      {"nesterov", "Nesterov momentum on the server", {rate, momentum}},
      adaptive("adagrad", "steps shrink with the sum of squares", rate, 0.0f, std::nullopt),
      adaptive("adam", "steps scaled by decaying moments, without bias correction", rate, 0.9f,
               0.99f),
      adaptive("yogi", "Adam with a second moment that moves by bounded steps", rate, 0.9f, 0.99f),
  };
  return rules;
}

std::size_t optimizer_state_per_value(std::string_view optimizer) {
  return static_cast<std::size_t>(moments_of(kind_of(optimizer)));
}

OptimizerStep optimizer_step(const NamedRule& optimizer) {
  OptimizerStep step;
  step.kind = kind_of(optimizer.name);
  for (const Parameter& each : optimizer.parameters) {
    if (each.name == "lr") step.learning_rate = each.value;
    if (each.name == "beta" || each.name == "beta1") step.first_decay = each.value;
    if (each.name == "beta2") step.second_decay = each.value;
    if (each.name == "eps") step.epsilon = each.value;
  }
  return step;
}

}  // namespace gradmint::kernels
