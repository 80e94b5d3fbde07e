// The rules over pairs of updates once more, from their definitions, written for clarity and
// nothing else (see reference.h): one matrix of squared distances over the updates and the start of
// iterations, sums over whole lists, subsets by enumeration.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/aggregate.h"
#include "tests/kernels/reference.h"
#include "tests/kernels/reference_sorted.h"

namespace gradmint::test {

struct ReferencePlan {
  kernels::CombineKind kind = kernels::CombineKind::mean;
  std::vector<double> clips;
  std::vector<std::uint32_t> coefficients;
  std::uint32_t centre_weight = 0;
  double divisor = 1;
  int shift = 0;
  std::vector<std::vector<std::uint32_t>> excluded;  // of the mixtures an order statistic sees
  std::size_t dropped = 0;
  std::size_t kept = 0;
  std::vector<double> scores;
  std::optional<kernels::Gram> gram;
};

// `complete` and `input` are valid; `updates` are the input's.
ReferencePlan reference_plan(const kernels::AggregateSpec& complete,
                             const kernels::AggregateInput& input, const Updates& updates);

// The mean that a plan of that kind asks for.
std::vector<float> reference_weighted(const ReferencePlan& plan, const Updates& updates,
                                      const std::optional<kernels::Row>& centre);

// The order statistic that a plan of another kind asks for; counts are per update.
ReferenceKept reference_order_statistic(const ReferencePlan& plan, const Updates& updates);

}  // namespace gradmint::test
