// The updates after pre-aggregation as points known by their squared distances alone: all that the
// rules over pairs of updates look at. Numbers: dots.h, with each update times its clip factor c_i:
//
//   d2(i, j) = max(0, c_i c_i G_ii + c_j c_j G_jj - 2 c_i c_j G_ij); where that is below 1e-6 of
//   the first two terms, it is taken anew from the blocks of the differences c_i x_i - c_j x_j.
//
// Bound (held by tests): with m_b the largest |x| of a block b of `count_b` coordinates and
// e_i = 1.001 * 2^-14 * c_i * sqrt(sum of count_b m_b^2), a distance from the Gram matrix is within
// e_i + e_j + 1e-6 * the distance of its true value; one taken anew within
// 1.001 * 2^-14 * sqrt(sum of count_b m_b^2) with m_b of the difference.
//
// Pure host code, + - * / and sqrt only, sums in index order. n points: O(n^2) numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kernels/backend.h"
#include "kernels/base/result.h"
#include "kernels/dots.h"

namespace gradmint::kernels {

struct Points {
  std::size_t n = 0;
  std::vector<double> between;   // n * n squared distances, row by row; empty where not taken
  std::vector<double> to_start;  // to where iterations start: the zero vector, or a given centre

  double at(std::size_t i, std::size_t j) const { return between[i * n + j]; }
  std::span<const double> row(std::size_t i) const {
    return std::span<const double>(between).subspan(i * n, n);
  }
};

// n x n squared distances; `gram` is of the same updates, one factor each or none at all.
Result<Gram> squared_distances(const Gram& gram, Rows updates, std::span<const double> factors,
                               Backend& backend);

// All distances. `gram` is of the updates, followed by the centre where there is one (whose factor
// is 1); without one iterations start from the zero vector.
Result<Points> points_of(const Gram& gram, Rows updates, std::span<const double> factors,
                         const std::optional<Row>& centre, Backend& backend);

// Only the distances to the zero vector, from the squared norms: enough for a single step.
Points points_from_zero(std::span<const double> squared_norms, std::span<const double> factors);

// Squared distance of each point to v = sum of shares[j] * point j + start_share * start, where all
// shares sum to one: sum_j a_j d2(i, j) - 1/2 sum_jk a_j a_k d2(j, k), at least 0. O(n^2).
std::vector<double> squared_distances_to(const Points& points, std::span<const double> shares,
                                         double start_share);

}  // namespace gradmint::kernels
