// The server optimizers once more, one value at a time (see reference.h).
#pragma once

#include <span>
#include <vector>

#include "kernels/aggregate_spec.h"

namespace gradmint::test {

struct ReferenceStep {
  std::vector<float> model;
  std::vector<float> state;  // first moments of all values, then second ones
};

// The optimizer must be completed (kernels::complete_spec).
ReferenceStep reference_step(const kernels::NamedRule& optimizer, std::span<const float> model,
                             std::span<const float> delta, std::span<const float> state);

}  // namespace gradmint::test
