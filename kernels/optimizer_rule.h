// Server optimizers, per coordinate, in fp32 with every operation rounded by itself. `delta` is the
// aggregated pseudo-gradient (local minus global parameters), so a step adds it.
//
//   plain:     x' = x + lr * delta
//   momentum:  v' = beta * v + delta
//              x' = x + lr * v'
//   nesterov:  v' = beta * v + delta
//              x' = x + lr * (delta + beta * v')
//   adaptive:  m' = beta1 * m + (1 - beta1) * delta
//              adagrad: v' = v + delta^2
//              adam:    v' = beta2 * v + (1 - beta2) * delta^2
//              yogi:    v' = v - (1 - beta2) * delta^2 * sign(v - delta^2)
//              x' = x + lr * m' / (sqrt(v') + eps)
//
// The adaptive ones are Reddi et al., "Adaptive Federated Optimization" (2021), algorithm 2: eps is
// the paper's tau, outside the root, and there is no bias correction. State is zero at first: v is
// one value per coordinate for momentum and nesterov; the adaptive ones keep m, then v.
//
// Results are canonical (-0 becomes +0). Fused with the aggregating pass, a step adds one read of
// the model and one write, and the same again for each state value; not measured by itself.
#pragma once

#include "kernels/lanes.h"

namespace gradmint::kernels {

enum class OptimizerKind : std::uint8_t { plain, momentum, nesterov, adagrad, adam, yogi };

struct OptimizerStep {
  OptimizerKind kind = OptimizerKind::plain;
  float learning_rate = 1.0f;
  float first_decay = 0.0f;   // beta, or beta1
  float second_decay = 0.0f;  // beta2; adam and yogi
  float epsilon = 0.0f;       // the adaptive ones
};

// State values per coordinate.
GRADMINT_RULE constexpr int moments_of(OptimizerKind kind) {
  if (kind == OptimizerKind::plain) return 0;
  return kind == OptimizerKind::momentum || kind == OptimizerKind::nesterov ? 1 : 2;
}

// The second moment after `delta`; `Kind` is one of the adaptive ones.
template <class L, OptimizerKind Kind>
GRADMINT_RULE typename L::F32 second_moment(const OptimizerStep& how, typename L::F32 delta,
                                            typename L::F32 second) {
  const auto squared = delta * delta;
  if constexpr (Kind == OptimizerKind::adagrad) {
    return second + squared;
  } else if constexpr (Kind == OptimizerKind::adam) {
    return second * how.second_decay + squared * (1.0f - how.second_decay);
  } else {
    const auto move = squared * (1.0f - how.second_decay);
    const auto lowered = squared < second ? second - move : second;
    return second < squared ? second + move : lowered;
  }
}

// Advances the moments the kind has, and returns the new model.
template <class L, OptimizerKind Kind>
GRADMINT_RULE typename L::F32 step_value(const OptimizerStep& how, typename L::F32 model,
                                         typename L::F32 delta, typename L::F32& first,
                                         typename L::F32& second) {
  if constexpr (Kind == OptimizerKind::plain) {
    return canonical(model + delta * how.learning_rate);
  } else if constexpr (Kind == OptimizerKind::momentum) {
    first = canonical(first * how.first_decay + delta);
    return canonical(model + first * how.learning_rate);
  } else if constexpr (Kind == OptimizerKind::nesterov) {
    first = canonical(first * how.first_decay + delta);
    return canonical(model + (delta + first * how.first_decay) * how.learning_rate);
  } else {
    first = canonical(first * how.first_decay + delta * (1.0f - how.first_decay));
    second = canonical(second_moment<L, Kind>(how, delta, second));
    return canonical(model + first * how.learning_rate / (root<L>(second) + how.epsilon));
  }
}

}  // namespace gradmint::kernels
