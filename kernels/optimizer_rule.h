// Server optimizers, per coordinate, in fp32 with every operation rounded by itself. `delta` is the
// aggregated pseudo-gradient (local minus global parameters), so a step adds it.
//
//   plain:     x' = x + lr * delta
//   nesterov:  v' = beta * v + delta
//              x' = x + lr * (delta + beta * v')
//              (state: v, one value per coordinate, zeros at first)
//
// Results are canonical (-0 becomes +0). Fused with the aggregating pass, a step adds one read of
// the model and one write (Nesterov: the same again for v); not measured by itself.
#pragma once

#include "kernels/lanes.h"

namespace gradmint::kernels {

enum class OptimizerKind : std::uint8_t { plain, nesterov };

struct OptimizerStep {
  OptimizerKind kind = OptimizerKind::plain;
  float learning_rate = 1.0f;
  float momentum = 0.0f;
};

template <class F>
GRADMINT_RULE F step_plain(F model, F delta, float learning_rate) {
  return canonical(model + delta * learning_rate);
}

// Advances `velocity`, and returns the new model.
template <class F>
GRADMINT_RULE F step_nesterov(F model, F delta, F& velocity, float learning_rate, float momentum) {
  velocity = canonical(velocity * momentum + delta);
  return canonical(model + (delta + velocity * momentum) * learning_rate);
}

}  // namespace gradmint::kernels
