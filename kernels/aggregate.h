// The one way to combine updates into the next model: the coordinator does it, and every auditor
// does it again and gets the same bytes, on any backend (backend.h) with any number of threads.
//
//   updates -> pre-aggregation -> aggregator -> delta -> server optimizer -> model
//
// Numbers: fixed_point.h and mean_rule.h (mean), median_rule.h (median), dots.h (norms for
// clipping), optimizer_rule.h. Clipping by tau multiplies update i by c_i = tau / |x_i| where |x_i|
// > tau, else by 1: in the mean as part of the term's one fp64 factor (w_i * c_i) * 2^s, in the
// median as fp32(fp64(x) * c_i) before values are ordered.
//
// Not thread safe on one Backend; separate backends may run at the same time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/aggregate_spec.h"
#include "kernels/backend.h"
#include "kernels/base/result.h"

namespace gradmint::kernels {

struct AggregateInput {
  // In the order of the ledger, each as long as the model. Every value finite, -0 already +0
  // (intake does both); an update with a value that is not finite is an Error here.
  std::vector<Row> updates;
  std::vector<std::uint32_t> weights;  // one per update, in [1, kMaxWeight]
  int round_exponent = 0;              // E (fixed_point.h)
  int shift = 0;                       // s: at most choose_shift(E, largest weight), at least
                                       // choose_shift(E, kMaxWeight)
  std::span<const float> model;
  std::span<const float> optimizer_state;  // model.size() * optimizer_state_per_value
                                           // (aggregate_spec.h); zeros at first
  bool want_delta = false;
  bool want_outside = false;
};

struct AggregateOutput {
  std::vector<float> model;
  std::vector<float> optimizer_state;
  std::vector<float> delta;            // what the optimizer was given; where wanted
  std::vector<double> clip_factors;    // one per update; empty without clipping
  std::vector<std::uint8_t> selected;  // one per update: 1 where it had a say (mean, median: all)
  std::vector<std::uint64_t> outside;  // per update, coordinates strictly outside the kept range;
                                       // where wanted and the aggregator keeps a range. The median
                                       // keeps from its lower to its upper middle value.
};

// E and s are the mean's; the median ignores weights, E and s but they are checked all the same.
// Errors name what is wrong: no update, more than kMaxUpdates, a length, a weight, a shift, a value
// that is not finite or above 2^E ("out_of_range"), a result that is not finite
// ("non_finite_result").
Result<AggregateOutput> aggregate(const AggregateSpec& spec, const AggregateInput& input,
                                  Backend& backend);

}  // namespace gradmint::kernels
