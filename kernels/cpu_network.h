// Networks over rows in memory (cpu_level.cc and the cpu_*.h files it includes only).
#pragma once

#include "kernels/cpu_lanes.h"
#include "kernels/median_rule.h"

namespace gradmint::kernels {
namespace {

// Applies a network to keys that load(i) puts in place, each half when its turn comes.
template <NetworkKind kKind, int P, class V, class Load>
GRADMINT_RULE void load_and_order(V (&keys)[P], Load load) {
  constexpr int kLowerHalf = kNetwork<kKind, P>.lower_half;
#pragma GCC unroll 64
  for (int i = 0; i < P / 2; ++i) load(i);
  apply_network<kKind, 0, kLowerHalf>(keys);
#pragma GCC unroll 64
  for (int i = P / 2; i < P; ++i) load(i);
  apply_network<kKind, kLowerHalf, kNetwork<kKind, P>.size>(keys);
}

}  // namespace
}  // namespace gradmint::kernels
