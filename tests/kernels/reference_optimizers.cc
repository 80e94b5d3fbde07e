#include "tests/kernels/reference_optimizers.h"

#include <cmath>
#include <string>

namespace gradmint::test {
namespace {

float without_minus_zero(float x) { return x == 0.0f ? 0.0f : x; }

float value_of(const kernels::NamedRule& rule, const std::string& name) {
  for (const auto& each : rule.parameters) {
    if (each.name == name) return each.value;
  }
  return 0.0f;
}

// The second moment of one value; every line is one rounded operation.
float next_second(const kernels::NamedRule& rule, float delta, float second) {
  const float squared = delta * delta;
  if (rule.name == "adagrad") return second + squared;
  const float beta2 = value_of(rule, "beta2");
  const float rest = 1.0f - beta2;
  const float share = rest * squared;
  if (rule.name == "adam") {
    const float kept = beta2 * second;
    return kept + share;
  }
  if (second > squared) return second - share;
  if (second < squared) return second + share;
  return second;
}

}  // namespace

ReferenceStep reference_step(const kernels::NamedRule& optimizer, std::span<const float> model,
                             std::span<const float> delta, std::span<const float> state) {
  const std::size_t size = model.size();
  const float lr = value_of(optimizer, "lr");
  ReferenceStep out{std::vector<float>(size), std::vector<float>(state.begin(), state.end())};
  for (std::size_t c = 0; c < size; ++c) {
    if (optimizer.name == "plain") {
      const float move = lr * delta[c];
      out.model[c] = without_minus_zero(model[c] + move);
    } else if (optimizer.name == "momentum" || optimizer.name == "nesterov") {
      const float beta = value_of(optimizer, "beta");
      const float kept = beta * state[c];
      const float velocity = without_minus_zero(kept + delta[c]);
      out.state[c] = velocity;
      const float ahead = beta * velocity;
      const float direction = optimizer.name == "momentum" ? velocity : delta[c] + ahead;
      const float move = lr * direction;
      out.model[c] = without_minus_zero(model[c] + move);
    } else {
      const float beta1 = value_of(optimizer, "beta1");
      const float rest = 1.0f - beta1;
      const float kept = beta1 * state[c];
      const float added = rest * delta[c];
      const float first = without_minus_zero(kept + added);
      const float second = without_minus_zero(next_second(optimizer, delta[c], state[size + c]));
      out.state[c] = first;
      out.state[size + c] = second;
      const float divisor = std::sqrt(second) + value_of(optimizer, "eps");
      const float stepped = lr * first;
      const float move = stepped / divisor;
      out.model[c] = without_minus_zero(model[c] + move);
    }
  }
  return out;
}

}  // namespace gradmint::test
