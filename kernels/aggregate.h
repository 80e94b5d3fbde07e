// The one way to combine updates into the next model: the coordinator does it, and every auditor
// does it again and gets the same bytes, on any backend (backend.h) with any number of threads.
//
//   updates -> pre-aggregation -> aggregator -> delta -> server optimizer -> model
//
// At most two passes over the coordinates: norms or the Gram matrix where a rule needs them, then
// the pass that combines, with the optimizer's step fused to it. What lies between is host work on
// N x N numbers (aggregate_plan.h, and a file per rule), so it is the same on every backend.
//
// Numbers: fixed_point.h and mean_rule.h (means), median_rule.h and sorted_rule.h (order
// statistics), dots.h and distances.h (norms, distances), optimizer_rule.h. Clipping multiplies
// update i by a factor c_i in [0, 1]: in a mean as part of the term's one fp64 factor
// (w_i * c_i) * 2^s, in an order statistic as fp32(fp64(x) * c_i) before values are ordered. Mixing
// gives an order statistic means to see; a mean of means is taken as one mean of the updates.
//
// Not thread safe on one Backend; separate backends may run at the same time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kernels/aggregate_spec.h"
#include "kernels/backend.h"
#include "kernels/base/result.h"
#include "kernels/dots.h"
#include "kernels/floats.h"

namespace gradmint::kernels {

struct AggregateInput {
  // In the order of the ledger, each as long as the model. Every value finite (intake sees to
  // that); an update with a value that is not finite is an Error here. -0 counts as +0.
  std::vector<Row> updates;
  std::vector<std::uint32_t> weights;  // one per update, in [1, kMaxWeight]
  int round_exponent = 0;              // E (fixed_point.h)
  int shift = 0;                       // s: at most choose_shift(E, largest weight), at least
                                       // choose_shift(E, kMaxWeight)
  std::span<const float> model;
  std::span<const float> optimizer_state;  // model.size() * optimizer_state_per_value
                                           // (aggregate_spec.h); zeros at first
  // Where centered_clipping starts, as long as the model, finite, within 2^E; the zero vector
  // without it. An Error with another aggregator.
  std::optional<Row> centre;
  bool want_delta = false;
  bool want_outside = false;
};

struct AggregateOutput {
  Floats model;
  Floats optimizer_state;
  Floats delta;                      // what the optimizer was given; where wanted
  std::vector<double> clip_factors;  // one per update; empty without clip and arc
  // One per update: the whole weight it had in the mean, 0 where it was left out. For an order
  // statistic 1 where it was seen and 0 where Bulyan dropped it (it, or the mixture in its place).
  std::vector<std::uint32_t> coefficients;
  std::vector<std::uint8_t> selected;  // one per update: 1 where its coefficient is above 0
  std::vector<double> scores;          // one per update from krum, multi_krum and bulyan (krum.h)
  std::vector<std::uint64_t> outside;  // per update, coordinates strictly outside the kept range;
                                       // where wanted and the aggregator keeps a range. The median
                                       // keeps from its lower to its upper middle value.
  std::optional<Gram> gram;            // of the updates as they are, where one was taken
};

// A pass must stay within 2^E in what it sums: updates that are left out, and the plain median's,
// may be above. The median ignores E, s and weights, others s, some the weights (aggregate_spec.h),
// but they are checked all the same.
// Errors every machine meets alike: bad_input names what is wrong: no update, more than
// kMaxUpdates (the centre counts), a length, a weight, a shift, a precondition (preconditions.h), a
// value that is not finite or above 2^E ("out_of_range"). not_finite is for a result that is not
// ("non_finite_result").
Result<AggregateOutput> aggregate(const AggregateSpec& spec, const AggregateInput& input,
                                  Backend& backend);

}  // namespace gradmint::kernels
