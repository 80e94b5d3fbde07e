// Minimum diameter averaging: El Mhamdi, Guerraoui, Guirguis, Rouault, "Genuinely distributed
// Byzantine machine learning", 2020 (after Rousseeuw's minimum volume estimator, 1985). Kept are
// the n - f updates whose largest distance to each other is smallest; their unweighted mean is the
// result. Needs 2f < n, and at most kMaxDiameterSubsets subsets of that size.
//
// Ties: the lexicographically lowest set of places; they are common, since the pair that makes a
// diameter lies in many sets. The smallest diameter is the smallest t for
// which f updates touch every pair further apart than t: a binary search over the distances, each
// step a search tree of depth f. O(n^2 log n + 2^f f n^2), far below the count of subsets.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/distances.h"

namespace gradmint::kernels {

inline constexpr std::uint64_t kMaxDiameterSubsets = 5'000'000;

// How many subsets leave out f of n, or kMaxDiameterSubsets + 1 where there are more than that.
std::uint64_t count_subsets(std::size_t n, std::size_t f);

// The places kept, ascending. The precondition holds (preconditions.h).
std::vector<std::uint32_t> minimum_diameter(const Points& points, std::size_t f);

}  // namespace gradmint::kernels
