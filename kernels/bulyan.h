// Bulyan's selection: El Mhamdi, Guerraoui, Rouault, "The hidden vulnerability of distributed
// learning in Byzantium", 2018. Of n >= 4f + 3 updates Krum chooses theta = n - 2f; the final pass
// then takes, per coordinate, the mean of the theta - 2f values nearest to the median of the chosen
// (backend.h, nearest_to_median). Unweighted.
//
//   iterative  the one with the lowest Krum score among the r that are left is chosen and removed,
//              theta times; neighbours are the max(1, r-f-2) nearest that are left (fewer where
//              fewer are left)
//   one_shot   the theta lowest Krum scores (convention paper)
//
// Equal scores: the lowest index; where one neighbour makes the score, the nearest two always tie.
// Distances are summed in ascending order. O(n^2 theta) additions.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/distances.h"

namespace gradmint::kernels {

enum class BulyanConvention { iterative, one_shot };

// The places of the theta chosen, ascending. The precondition holds (preconditions.h).
std::vector<std::uint32_t> bulyan_selection(const Points& points, std::size_t f,
                                            BulyanConvention convention);

}  // namespace gradmint::kernels
