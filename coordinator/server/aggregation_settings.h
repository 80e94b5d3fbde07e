// [aggregation] of a coordinator's configuration: rules and their parameters by name.
//
//   aggregator = "krum:f=1,convention=byzfl"     pre = ["clip:tau=2", "nnm:f=1"]
//   optimizer = "adam"                           [aggregation.optimizer_parameters] lr = 0.1
//
// What [aggregation.parameters] gives finds the rule that takes it (kernels/spec_text.h).
#pragma once

#include "coordinator/config/toml_config.h"
#include "kernels/aggregate_spec.h"

namespace gradmint {

// Leaves `out` alone where something is refused: finish() tells.
void read_aggregation(TomlConfig& toml, kernels::AggregateSpec& out);

}  // namespace gradmint
