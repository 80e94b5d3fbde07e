// What becomes of a model's buffers (running statistics: they describe data and are not trained):
// the mean of the updates by weight where the aggregator is the mean, else the median of each
// coordinate, whatever else the rule does. No pre-aggregation, selection, clipping or optimizer
// touches them: a norm means nothing where variances of inputs stand beside weights.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/aggregate_spec.h"
#include "kernels/backend.h"
#include "kernels/base/result.h"
#include "kernels/floats.h"

namespace gradmint::kernels {

// `updates` and `weights` are as in AggregateInput (aggregate.h), each update as long as `buffers`,
// which may be empty. Of a mean, an update whose values are more than kHonestSpread above the
// middle one's (choose_round_exponent, one voice an update) has no part: what is summed exactly
// must be near enough to each other, and one site's huge values would be everybody's. Errors are
// those of aggregate().
Result<Floats> aggregate_buffers(const AggregateSpec& spec, Rows updates,
                                 std::span<const std::uint32_t> weights,
                                 std::span<const float> buffers, Backend& backend);

}  // namespace gradmint::kernels
