// Norms, dot products, distances and cosines that come out the same on every machine (design: the
// numeric law, distances). blocks_rule.h defines a block's exact integer dot product.
//
// Blocks are summed in fp64 in one fixed tree: neighbours are added pairwise, level by level, and
// an odd last one is carried up unchanged. (0+1)+(2+3), then +4, and so on.
//
// Squared distances from a Gram matrix are in distances.h.
//
// Host work on N x N numbers uses + - * / and sqrt only. Not bounded by memory: a Gram matrix is
// N * N / 2 * D multiply-adds; benchmarks/README.md has what was measured.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/backend.h"
#include "kernels/base/result.h"

namespace gradmint::kernels {

// Adds values in the fixed tree as they come, in O(log) memory. Vectors of numbers at once: add()
// takes `width` values, and each place has its own tree.
class TreeSum {
 public:
  explicit TreeSum(std::size_t width) : width_(width) {}

  void add(std::vector<double> values);
  std::vector<double> total() const;  // zeros where nothing was added

 private:
  std::size_t width_;
  std::vector<std::vector<double>> levels_;  // levels_[k]: a full subtree of 2^k, or empty
};

// A symmetric n x n matrix of dot products.
struct Gram {
  std::size_t n = 0;
  std::vector<double> values;  // row by row
  double at(std::size_t i, std::size_t j) const { return values[i * n + j]; }
};

// Updates of the same length (an Error otherwise, or where one is not finite).
Result<Gram> gram_matrix(Rows updates, Backend& backend);

// Clip factors: threshold / norm where norm > threshold, else 1.
std::vector<double> clip_factors(std::span<const double> norms, float threshold);

// Score of update i, in parts per million: the cosine between x_i and the sum over j != i of
// coefficient_j * x_j, floored at zero, rounded to nearest even, at most 1000000. A coefficient is
// the update's weight times its clip factor; 0 leaves an update out (it is still scored against the
// others). Where a norm is zero the cosine is undefined and the score is 0. Sums run in index
// order. O(n^3 / 2).
std::vector<std::uint32_t> cosine_scores_ppm(const Gram& gram,
                                             std::span<const double> coefficients);

}  // namespace gradmint::kernels
