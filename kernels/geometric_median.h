// Geometric median by smoothed Weiszfeld steps: Pillutla, Kakade, Harchaoui, "Robust aggregation
// for federated learning", 2022. From v = the zero vector, `steps` times:
//
//   w_i = 1 / max(nu', |v - x_i|),   v = sum of w_i x_i / sum of w_i
//
//   relative  nu' = nu * the lower median of the norms |x_i|
//   absolute  nu' = nu (ByzFL's convention; on updates much shorter than nu it is the plain mean)
//
// Unweighted; no precondition. Where nu' and a distance are both 0 (at least half of the updates
// are zero), the points at distance 0 share the weight: the limit of a small nu. In every step a
// point with less than 2^-25 of the largest weight has no say (combination.h).
//
// Sums run in index order, so another order of the updates may change the last bits of a share
// before it is rounded to 24 bits. Against float64 mathematics (held by tests): within
// 1e-5 * the median |x_i - v| for updates none of which is negligible. O(steps * n^2).
#pragma once

#include <cstddef>

#include "kernels/combination.h"
#include "kernels/distances.h"

namespace gradmint::kernels {

enum class NuScale { relative, absolute };

// steps >= 1; more than one needs the distances between the points.
Combination geometric_median(const Points& points, double nu, NuScale scale, std::size_t steps);

}  // namespace gradmint::kernels
