// Centered clipping: Karimireddy, He, Jaggi, "Learning from history for Byzantine robust
// optimization", 2021. From v = the centre (the zero vector, or one that is given), `steps` times:
//
//   v = v + mean of (x_i - v) * min(1, tau / |x_i - v|)
//
// Unweighted, stateless; no precondition. In every step a point whose factor is below 2^-25 of the
// largest has no pull (combination.h). Sums run in index order, so another order of the updates may
// change the last bits of a share before it is rounded to 24 bits. Against float64 mathematics
// (held by tests): within 1e-5 * the median |x_i - v| for updates none of which is negligible.
// O(steps * n^2).
#pragma once

#include <cstddef>

#include "kernels/combination.h"
#include "kernels/distances.h"

namespace gradmint::kernels {

// tau > 0, steps >= 1; more than one needs the distances between the points.
Combination centered_clipping(const Points& points, double tau, std::size_t steps);

}  // namespace gradmint::kernels
