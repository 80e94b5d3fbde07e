// Adaptive robust clipping (ARC): Allouah, Guerraoui, Gupta, Jellouli, Rizk, Stephan, "Adaptive
// gradient clipping for robust federated learning", 2024. The floor(2 f (n - f) / n) largest norms
// of n are clipped to the largest norm that is not. Needs f < n.
//
// Ties do not matter: an update whose norm equals that threshold is left as it is either way. The
// count is computed in whole numbers (ByzFL computes it in floating point). O(n log n).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace gradmint::kernels {

// One factor in [0, 1] per norm: threshold / norm where norm > threshold, else 1.
std::vector<double> adaptive_clip_factors(std::span<const double> norms, std::size_t f);

}  // namespace gradmint::kernels
