#include "kernels/nearest_mixing.h"

#include <algorithm>
#include <numeric>

#include "kernels/base/check.h"

namespace gradmint::kernels {
namespace {

std::vector<std::uint32_t> others_than(const std::vector<std::uint32_t>& excluded, std::size_t n) {
  std::vector<std::uint32_t> members;
  auto next = excluded.begin();
  for (std::uint32_t j = 0; j < n; ++j) {
    if (next != excluded.end() && *next == j) {
      ++next;
    } else {
      members.push_back(j);
    }
  }
  return members;
}

// Row i of the result is the sum of rows j of the n x n matrix over the members of i.
std::vector<double> sum_of_rows(const std::vector<double>& matrix, std::size_t n,
                                const Excluded& members) {
  std::vector<double> sums(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    double* sum = sums.data() + i * n;
    for (const std::uint32_t j : members[i]) {
      const double* row = matrix.data() + j * n;
      for (std::size_t l = 0; l < n; ++l) sum[l] += row[l];
    }
  }
  return sums;
}

std::vector<double> transposed(const std::vector<double>& matrix, std::size_t n) {
  std::vector<double> result(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) result[j * n + i] = matrix[i * n + j];
  }
  return result;
}

double not_negative(double x) { return x > 0.0 ? x : 0.0; }

}  // namespace

Excluded farthest_of_each(const Points& points, std::size_t f) {
  GRADMINT_CHECK(f < points.n);
  Excluded excluded(points.n);
  std::vector<std::uint32_t> order(points.n);
  for (std::size_t i = 0; i < points.n; ++i) {
    const auto row = points.row(i);
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return row[a] < row[b]; });
    excluded[i].assign(order.end() - static_cast<std::ptrdiff_t>(f), order.end());
    std::sort(excluded[i].begin(), excluded[i].end());
  }
  return excluded;
}

Points mixed_points(const Points& points, const Excluded& excluded) {
  const std::size_t n = points.n;
  GRADMINT_CHECK(excluded.size() == n);
  Excluded members;
  for (const auto& each : excluded) members.push_back(others_than(each, n));
  const double k = static_cast<double>(members[0].size());
  // T = M D, then Q^T k^2 = M T^T: both as sums of whole rows.
  const std::vector<double> once = sum_of_rows(points.between, n, members);
  const std::vector<double> twice = sum_of_rows(transposed(once, n), n, members);
  const auto q = [&](std::size_t i, std::size_t j) { return twice[j * n + i] / (k * k); };
  Points mixed;
  mixed.n = n;
  mixed.between.assign(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const double apart = not_negative(q(i, j) - (q(i, i) + q(j, j)) / 2.0);
      mixed.between[i * n + j] = apart;
      mixed.between[j * n + i] = apart;
    }
    double to_start = 0;
    for (const std::uint32_t j : members[i]) to_start += points.to_start[j];
    mixed.to_start.push_back(not_negative(to_start / k - q(i, i) / 2.0));
  }
  return mixed;
}

Combination unmixed(const Combination& combination, const Excluded& excluded) {
  const std::size_t n = excluded.size();
  Combination result{std::vector<double>(n, 0.0), 0.0, 0.0};
  double k = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto members = others_than(excluded[i], n);
    k = static_cast<double>(members.size());
    for (const std::uint32_t j : members) {
      result.coefficients[j] += combination.coefficients[i];
    }
  }
  result.start = combination.start * k;
  result.total = combination.total * k;
  return result;
}

}  // namespace gradmint::kernels
