// What a rule needs of the number of updates, said with numbers: "aggregator 'krum', convention
// paper: f = 2 needs at least 7 updates, there are 5". A rule is never skipped: outside its
// precondition a round fails by name.
//
//   arc, nnm                       f < n
//   trimmed_mean                   2 f < n
//   krum, multi_krum  paper        2 f + 2 < n; m <= n
//                     byzfl        2 f < n;     m <= n
//                     flower       f < n;       m <= n
//   bulyan                         4 f + 3 <= n
//   mda                            2 f < n, and n over f at most 5,000,000 (minimum_diameter.h)
#pragma once

#include <cstddef>

#include "kernels/aggregate_spec.h"
#include "kernels/base/result.h"

namespace gradmint::kernels {

// The smallest number of updates that every rule of a completed spec accepts.
std::size_t least_updates(const AggregateSpec& complete);

// An Error that names the first rule that cannot take `updates` updates.
Status check_update_count(const AggregateSpec& complete, std::size_t updates);

}  // namespace gradmint::kernels
