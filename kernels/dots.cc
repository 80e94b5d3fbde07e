#include "kernels/dots.h"

#include <cmath>
#include <utility>

#include "kernels/base/check.h"
#include "kernels/parallel.h"

namespace gradmint::kernels {
namespace {

void add_into(std::vector<double>& left, const std::vector<double>& right) {
  for (std::size_t i = 0; i < left.size(); ++i) left[i] = left[i] + right[i];
}

Status check_lengths(Rows updates) {
  for (std::size_t i = 1; i < updates.size(); ++i) {
    if (updates[i].size() == updates[0].size()) continue;
    return Error{ErrorCode::bad_input,
                 "update " + std::to_string(i) + " has " + std::to_string(updates[i].size()) +
                     " values, update 0 has " + std::to_string(updates[0].size()) +
                     ": they must be of the same model"};
  }
  return {};
}

// |sum over j != i of c_j x_j|^2, from the Gram matrix, in index order.
double squared_norm_of_others(const Gram& gram, std::span<const double> coefficients,
                              std::size_t i) {
  double diagonal = 0;
  double off_diagonal = 0;
  for (std::size_t j = 0; j < gram.n; ++j) {
    if (j == i) continue;
    diagonal += coefficients[j] * coefficients[j] * gram.at(j, j);
    double row = 0;
    for (std::size_t k = 0; k < j; ++k) {
      if (k != i) row += coefficients[k] * gram.at(j, k);
    }
    off_diagonal += coefficients[j] * row;
  }
  return diagonal + 2.0 * off_diagonal;
}

}  // namespace

void TreeSum::add(std::vector<double> values) {
  GRADMINT_CHECK(values.size() == width_);
  for (std::size_t level = 0;; ++level) {
    if (level == levels_.size()) levels_.emplace_back();
    if (levels_[level].empty()) {
      levels_[level] = std::move(values);
      return;
    }
    add_into(levels_[level], values);
    values = std::exchange(levels_[level], {});
  }
}

std::vector<double> TreeSum::total() const {
  std::vector<double> sum;
  for (const std::vector<double>& level : levels_) {
    if (level.empty()) continue;
    if (sum.empty()) {
      sum = level;
    } else {
      add_into(sum, level);
    }
  }
  if (sum.empty()) sum.assign(width_, 0.0);
  return sum;
}

Result<Gram> gram_matrix(Rows updates, Backend& backend) {
  if (const Status same = check_lengths(updates); !same.ok()) return same.error();
  auto values = backend.dots(updates, false);
  if (!values.ok()) return values.error();
  return Gram{updates.size(), std::move(*values)};
}

std::vector<double> clip_factors(std::span<const double> norms, float threshold) {
  const ExactFloats exact;
  const double limit = static_cast<double>(threshold);
  std::vector<double> factors;
  factors.reserve(norms.size());
  for (const double norm : norms) factors.push_back(norm > limit ? limit / norm : 1.0);
  return factors;
}

std::vector<std::uint32_t> cosine_scores_ppm(const Gram& gram,
                                             std::span<const double> coefficients) {
  GRADMINT_CHECK(coefficients.size() == gram.n);
  const ExactFloats exact;
  std::vector<std::uint32_t> scores(gram.n, 0);
  for (std::size_t i = 0; i < gram.n; ++i) {
    double towards = 0;
    for (std::size_t j = 0; j < gram.n; ++j) {
      if (j != i) towards += coefficients[j] * gram.at(i, j);
    }
    const double others = squared_norm_of_others(gram, coefficients, i);
    if (!(towards > 0.0) || !(others > 0.0) || !(gram.at(i, i) > 0.0)) continue;
    const double cosine = towards / (std::sqrt(gram.at(i, i)) * std::sqrt(others));
    const double ppm = cosine < 1.0 ? cosine * 1e6 : 1e6;
    const double bias = 4503599627370496.0;  // 2^52: adding it rounds to nearest even
    scores[i] = static_cast<std::uint32_t>((ppm + bias) - bias);
  }
  return scores;
}

}  // namespace gradmint::kernels
