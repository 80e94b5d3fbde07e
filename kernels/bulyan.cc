#include "kernels/bulyan.h"

#include <algorithm>

#include "kernels/base/check.h"
#include "kernels/krum.h"

namespace gradmint::kernels {
namespace {

// For each update its squared distances to the others that are left, ascending. Which other a
// distance belongs to does not matter: removing one of two equal distances leaves the same list.
using Neighbours = std::vector<std::vector<double>>;

Neighbours sorted_neighbours(const Points& points) {
  Neighbours neighbours(points.n);
  for (std::size_t i = 0; i < points.n; ++i) {
    const auto row = points.row(i);
    neighbours[i].assign(row.begin(), row.end());
    neighbours[i].erase(neighbours[i].begin() + static_cast<std::ptrdiff_t>(i));
    std::sort(neighbours[i].begin(), neighbours[i].end());
  }
  return neighbours;
}

double sum_of_nearest(const std::vector<double>& ascending, std::size_t count) {
  double sum = 0;
  for (std::size_t j = 0; j < count; ++j) sum += ascending[j];
  return sum;
}

std::vector<std::uint32_t> choose_one_by_one(const Points& points, std::size_t f,
                                             std::size_t theta) {
  Neighbours neighbours = sorted_neighbours(points);
  std::vector<std::uint32_t> left;
  for (std::size_t i = 0; i < points.n; ++i) left.push_back(static_cast<std::uint32_t>(i));
  std::vector<std::uint32_t> chosen;
  while (chosen.size() < theta) {
    const std::size_t r = left.size();
    const std::size_t count = std::min(r - 1, r > f + 3 ? r - f - 2 : std::size_t{1});
    std::size_t best = 0;
    double lowest = 0;
    for (std::size_t k = 0; k < r; ++k) {
      const double score = sum_of_nearest(neighbours[left[k]], count);
      if (k > 0 && !(score < lowest)) continue;
      best = k;
      lowest = score;
    }
    const std::uint32_t gone = left[best];
    chosen.push_back(gone);
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(best));
    for (const std::uint32_t i : left) {
      auto& list = neighbours[i];
      list.erase(std::lower_bound(list.begin(), list.end(), points.at(i, gone)));
    }
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace

std::vector<std::uint32_t> bulyan_selection(const Points& points, std::size_t f,
                                            BulyanConvention convention) {
  GRADMINT_CHECK(points.n >= 4 * f + 3);
  const std::size_t theta = points.n - 2 * f;
  if (convention == BulyanConvention::iterative) return choose_one_by_one(points, f, theta);
  return lowest_scores(krum_scores(points, f, KrumConvention::paper), theta);
}

}  // namespace gradmint::kernels
