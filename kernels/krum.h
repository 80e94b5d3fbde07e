// Krum and Multi-Krum: Blanchard, El Mhamdi, Guerraoui, Stainer, "Machine learning with
// adversaries: Byzantine tolerant gradient descent", 2017.
//
// The score of an update says how far its nearest neighbours are; the lowest scores are kept.
// With n updates, of which f may be faulty:
//
//   convention  score: squared distances to        precondition  Multi-Krum keeps  kept are
//   paper       the n-f-2 nearest others, summed   2f + 2 < n    n - f             unweighted
//   byzfl       the n-f-1 nearest others, mean     2f < n        n - f             unweighted
//   flower      max(1, n-f-2) nearest, summed      f < n         1                 weighted
//
// Distances are summed in ascending order, so the order of the updates changes no score. Equal
// scores: the lowest index first. A lone update scores 0. O(n^2 log n).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/distances.h"

namespace gradmint::kernels {

enum class KrumConvention { paper, byzfl, flower };

// One score per point. The precondition holds (preconditions.h).
std::vector<double> krum_scores(const Points& points, std::size_t f, KrumConvention convention);

// How many Multi-Krum keeps of n where it is not told.
std::size_t multi_krum_default(std::size_t n, std::size_t f, KrumConvention convention);

// The places of the `kept` lowest scores, ascending.
std::vector<std::uint32_t> lowest_scores(std::span<const double> scores, std::size_t kept);

}  // namespace gradmint::kernels
