// One aggregation for every rule that the kernels register, so that a rule which is added appears
// in the benchmarks by itself.
#pragma once

#include <string>
#include <vector>

#include "kernels/aggregate_spec.h"

namespace gradmint::benchmarks {

struct SampleSpec {
  std::string label;  // "aggregate/krum", "pre/nnm+median", "optimizer/adam"
  kernels::AggregateSpec spec;
};

// Each aggregator; each pre-aggregation before the mean and (where it goes with it) before the
// median; each optimizer after the mean. Parameters: f = 3 (at most (n - 3) / 4, which every rule's
// precondition allows) where the rule takes one, sample values for others that must be given, their
// presets otherwise. A choice of conventions gives one sample for each.
std::vector<SampleSpec> sample_specs(std::size_t updates, std::size_t size);

bool has_aggregator(std::string_view name);

}  // namespace gradmint::benchmarks
