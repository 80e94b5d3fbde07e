// The step that a completed optimizer rule asks for. Inside the library only; the rules themselves
// are declared in aggregate_spec.h.
#pragma once

#include "kernels/aggregate_spec.h"
#include "kernels/optimizer_rule.h"

namespace gradmint::kernels {

OptimizerStep optimizer_step(const NamedRule& optimizer);

}  // namespace gradmint::kernels
