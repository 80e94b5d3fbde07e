#include "kernels/krum.h"

#include <algorithm>
#include <numeric>

#include "kernels/base/check.h"

namespace gradmint::kernels {
namespace {

std::size_t neighbours_of(std::size_t n, std::size_t f, KrumConvention convention) {
  if (convention == KrumConvention::byzfl) return n - f - 1;
  if (convention == KrumConvention::paper) return n - f - 2;
  return std::min(n - 1, n > f + 3 ? n - f - 2 : std::size_t{1});
}

}  // namespace

std::vector<double> krum_scores(const Points& points, std::size_t f, KrumConvention convention) {
  const std::size_t n = points.n;
  const std::size_t count = neighbours_of(n, f, convention);
  GRADMINT_CHECK(count < n);
  std::vector<double> scores(n, 0.0);
  std::vector<double> others;
  for (std::size_t i = 0; i < n && count > 0; ++i) {
    const auto row = points.row(i);
    others.assign(row.begin(), row.end());
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    std::partial_sort(others.begin(), others.begin() + static_cast<std::ptrdiff_t>(count),
                      others.end());
    for (std::size_t j = 0; j < count; ++j) scores[i] += others[j];
    if (convention == KrumConvention::byzfl) scores[i] = scores[i] / static_cast<double>(count);
  }
  return scores;
}

std::size_t multi_krum_default(std::size_t n, std::size_t f, KrumConvention convention) {
  return convention == KrumConvention::flower ? 1 : n - f;
}

std::vector<std::uint32_t> lowest_scores(std::span<const double> scores, std::size_t kept) {
  GRADMINT_CHECK(kept <= scores.size());
  std::vector<std::uint32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return scores[a] < scores[b]; });
  order.resize(kept);
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace gradmint::kernels
