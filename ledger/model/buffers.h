// Which floating tensors of a model are buffers: statistics that training gathers and no optimizer
// touches. They are averaged, and never part of a norm, a distance or a score
// (docs/decisions/0022-buffers.md). Pure; thread-safe.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/base/result.h"
#include "ledger/model/layout.h"

namespace gradmint {

// Whether the last part of a dotted name is what PyTorch calls a running statistic: running_mean,
// running_var, num_batches_tracked.
bool is_running_statistic(std::string_view name);

// Whether a name is what a pattern says: '*' stands for any text, '?' for one byte.
bool matches_pattern(std::string_view pattern, std::string_view name);

// Marks the tensors that a pattern names, besides those that are marked already. An Error names a
// pattern that is the name of none: a slip of the pen would change what everybody is paid for.
Status mark_buffers(std::span<const std::string> patterns, std::vector<TensorSpec>& tensors);

// A warning where at most a hundredth of an update's parameters, or one tensor of many, carries at
// least 19 in 20 of its squared norm: a statistic, most likely, that nobody called a buffer. Empty
// where there is nothing to say. `update` is as long as the layout says (checked).
std::string lopsided_norm(const ModelLayout& layout, std::span<const float> update);

}  // namespace gradmint
