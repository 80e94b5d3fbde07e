#include "kernels/distances.h"

#include "kernels/base/check.h"
#include "kernels/parallel.h"

namespace gradmint::kernels {
namespace {

double factor_of(std::span<const double> factors, std::size_t i) {
  return i < factors.size() ? factors[i] : 1.0;
}

}  // namespace

Result<Gram> squared_distances(const Gram& gram, Rows updates, std::span<const double> factors,
                               Backend& backend) {
  GRADMINT_CHECK(gram.n == updates.size());
  const ExactFloats exact;
  Gram distances{gram.n, std::vector<double>(gram.n * gram.n, 0.0)};
  for (std::size_t i = 0; i < gram.n; ++i) {
    const double ci = factor_of(factors, i);
    for (std::size_t j = 0; j < i; ++j) {
      const double cj = factor_of(factors, j);
      const double both = (ci * ci) * gram.at(i, i) + (cj * cj) * gram.at(j, j);
      const double apart = both - 2.0 * ((ci * cj) * gram.at(i, j));
      double squared = apart > 0.0 ? apart : 0.0;
      if (squared < 1e-6 * both) {
        const auto anew = backend.difference(updates[i], ci, updates[j], cj);
        if (!anew.ok()) return anew.error();
        squared = *anew;
      }
      distances.values[i * gram.n + j] = squared;
      distances.values[j * gram.n + i] = squared;
    }
  }
  return distances;
}

Result<Points> points_of(const Gram& gram, Rows updates, std::span<const double> factors,
                         const std::optional<Row>& centre, Backend& backend) {
  const std::size_t n = updates.size();
  GRADMINT_CHECK(factors.empty() || factors.size() == n);
  std::vector<Row> rows(updates.begin(), updates.end());
  if (centre.has_value()) rows.push_back(*centre);
  auto distances = squared_distances(gram, rows, factors, backend);
  if (!distances.ok()) return distances.error();
  const ExactFloats exact;
  Points points;
  points.n = n;
  if (!centre.has_value()) {
    points.between = std::move(distances->values);
    for (std::size_t i = 0; i < n; ++i) {
      const double c = factor_of(factors, i);
      points.to_start.push_back((c * c) * gram.at(i, i));
    }
    return points;
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) points.between.push_back(distances->at(i, j));
    points.to_start.push_back(distances->at(i, n));
  }
  return points;
}

Points points_from_zero(std::span<const double> squared_norms, std::span<const double> factors) {
  const ExactFloats exact;
  Points points;
  points.n = squared_norms.size();
  for (std::size_t i = 0; i < points.n; ++i) {
    const double c = factor_of(factors, i);
    points.to_start.push_back((c * c) * squared_norms[i]);
  }
  return points;
}

std::vector<double> squared_distances_to(const Points& points, std::span<const double> shares,
                                         double start_share) {
  const std::size_t n = points.n;
  GRADMINT_CHECK(shares.size() == n && points.between.size() == n * n);
  std::vector<double> squares(n);
  double from_start = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto row = points.row(i);
    double sum = 0;
    for (std::size_t j = 0; j < n; ++j) sum += shares[j] * row[j];
    squares[i] = sum + start_share * points.to_start[i];
    from_start += shares[i] * points.to_start[i];
  }
  double spread = start_share * from_start;
  for (std::size_t i = 0; i < n; ++i) spread += shares[i] * squares[i];
  for (double& square : squares) {
    const double apart = square - 0.5 * spread;
    square = apart > 0.0 ? apart : 0.0;
  }
  return squares;
}

}  // namespace gradmint::kernels
