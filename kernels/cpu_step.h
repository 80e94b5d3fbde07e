// The optimizer's step over one tile for one CPU level (cpu_kernels.cc only).
//
// It is fused with the pass: what it is given is in the first-level cache. One version, with model
// and result asked for ahead (taken together with other changes, median_rule.h). What slowed it was
// the memory of what it writes: adam 23 to 27 % of memcpy in a zeroed vector, 51 to 53 % in large
// pages that it touches first (floats.h); momentum 30 to 38, then 54 to 61 %; plain 40 to 51, then
// 66 to 69 %. Written past the caches, where the result lies at cache lines as the first row does:
// trimmed mean 67 to 71 %, median 67 to 70, mean no difference, aggregate/mean none (its result
// does not lie so, most rows do not) and the root taken of it next would be read from memory: not
// taken. Bound: memory; a moment is read and written once more for each value.
#pragma once

#include "kernels/cpu_kernels.h"
#include "kernels/cpu_lanes.h"

namespace gradmint::kernels {
namespace {

template <OptimizerKind Kind>
std::int32_t step_tile(const OptimizerStep& how, const StepTile& tile) {
  using L = Narrow;
  constexpr int moments = moments_of(Kind);
  auto largest = L::all(std::int32_t{0});
  for_lanes<L::width>(
      tile.count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        ask_ahead(tile.model, c);
        ask_ahead(tile.model_out, c);
        L::F32 first{};
        L::F32 second{};
        if constexpr (moments >= 1) first = access.template load<L::F32>(tile.first + c);
        if constexpr (moments == 2) second = access.template load<L::F32>(tile.second + c);
        const auto next =
            step_value<L, Kind>(how, access.template load<L::F32>(tile.model + c),
                                access.template load<L::F32>(tile.delta + c), first, second);
        largest = larger(largest, magnitude<L>(next));
        access.store(tile.model_out + c, next);
        if constexpr (moments >= 1) {
          largest = larger(largest, magnitude<L>(first));
          access.store(tile.first_out + c, first);
        }
        if constexpr (moments == 2) {
          largest = larger(largest, magnitude<L>(second));
          access.store(tile.second_out + c, second);
        }
      });
  return largest_lane<L>(largest);
}

std::int32_t step(const OptimizerStep& how, const StepTile& tile) {
  switch (how.kind) {
    case OptimizerKind::momentum:
      return step_tile<OptimizerKind::momentum>(how, tile);
    case OptimizerKind::nesterov:
      return step_tile<OptimizerKind::nesterov>(how, tile);
    case OptimizerKind::adagrad:
      return step_tile<OptimizerKind::adagrad>(how, tile);
    case OptimizerKind::adam:
      return step_tile<OptimizerKind::adam>(how, tile);
    case OptimizerKind::yogi:
      return step_tile<OptimizerKind::yogi>(how, tile);
    case OptimizerKind::plain:
      break;
  }
  return step_tile<OptimizerKind::plain>(how, tile);
}

}  // namespace
}  // namespace gradmint::kernels
