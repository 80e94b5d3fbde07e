// What the last pass over the updates must do, from a spec and the distances between the updates:
// either a weighted mean of some of them, or an order statistic over some of them or of their
// mixtures. Pure host code; aggregate.h runs it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/aggregate_spec.h"
#include "kernels/backend.h"
#include "kernels/distances.h"
#include "kernels/nearest_mixing.h"

namespace gradmint::kernels {

// What has to be known of the updates before the last pass: nothing, each one's norm, or the Gram
// matrix (whose diagonal is the squared norms).
enum class Geometry { none, norms, gram };
Geometry geometry_for(const AggregateSpec& complete, bool has_centre);

// The factor c_i of each update from `clip` and `arc`, in their order, each taking norms after the
// ones before. Empty where there is none of them.
std::vector<double> pre_factors(const AggregateSpec& complete, std::span<const double> norms);

struct PlanInput {
  std::span<const std::uint32_t> weights;  // one per update
  int round_exponent = 0;                  // E
  int shift = 0;                           // s of a mean of the updates as they are
  bool has_centre = false;                 // iterations start from a given row
  const Points* points = nullptr;          // null where the geometry is none
};

struct AggregatePlan {
  CombineKind kind = CombineKind::mean;
  // mean: the whole weight of each update, 0 where it is left out. Otherwise 1 where the update (or
  // the mixture in its place) is seen, 0 where not.
  std::vector<std::uint32_t> coefficients;
  std::uint32_t centre_weight = 0;  // of the given centre; mean only
  double divisor = 1.0;             // of the exact sum
  int shift = 0;                    // s of the exact sum
  Excluded excluded;                // order statistics of mixtures: one entry per mixture seen
  std::size_t dropped = 0;          // trimmed_mean
  std::size_t kept = 0;             // trimmed_mean and nearest_to_median: values that are summed
  std::vector<double> scores;       // Krum family: one per update (or mixture)
};

// The preconditions hold (preconditions.h).
AggregatePlan make_plan(const AggregateSpec& complete, const PlanInput& input);

}  // namespace gradmint::kernels
