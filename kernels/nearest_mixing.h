// Nearest-neighbour mixing (NNM): Allouah, Farhadkhani, Guerraoui, Gupta, Pinot, Stephan, "Fixing
// by mixing", 2023. Each update becomes the mean of the n - f updates nearest to it, itself (at
// distance 0) among them. Needs f < n. Equal distances: the lowest index first.
//
// With M the 0/1 membership, k = n - f and D the squared distances, Q = M D M^T / k^2 and
//   d2(y_i, y_j) = max(0, Q_ij - (Q_ii + Q_jj) / 2),
// sums in ascending index. The start of iterations is a point of its own. O(n^2 log n + n^2 k).
//
// Bound (held by tests): with b_ij that of a distance (distances.h), B_ij = b_ij (2 d_ij + b_ij)
// that of its square, and B'_ij, D'_ij the means of B and d2 over members l of i and m of j,
// d2(y_i, y_j) is within B'_ij + (B'_ii + B'_jj) / 2 + (2n + 4) 2^-52 (D'_ij + D'_ii + D'_jj) of
// its true value. A neighbour is mixed in before a nearer one only where the two distances differ
// by no more than both their b.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/combination.h"
#include "kernels/distances.h"

namespace gradmint::kernels {

// For each point those that are not mixed into it, f of them, ascending.
using Excluded = std::vector<std::vector<std::uint32_t>>;
Excluded farthest_of_each(const Points& points, std::size_t f);

// The mixed points.
Points mixed_points(const Points& points, const Excluded& excluded);

// What a combination of the mixed points is of the points that were mixed.
Combination unmixed(const Combination& combination, const Excluded& excluded);

}  // namespace gradmint::kernels
