#include "kernels/minimum_diameter.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "kernels/base/check.h"

namespace gradmint::kernels {
namespace {

using Pair = std::pair<std::uint32_t, std::uint32_t>;
enum class Place : std::uint8_t { open, kept, dropped };

// The pairs further apart than `limit`; none where there are more than f updates could touch.
std::optional<std::vector<Pair>> pairs_beyond(const Points& points, double limit, std::size_t f) {
  const std::size_t most = f * (points.n - 1);
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < points.n; ++i) {
    const auto row = points.row(i);
    for (std::size_t j = i + 1; j < points.n; ++j) {
      if (!(row[j] > limit)) continue;
      if (pairs.size() == most) return std::nullopt;
      pairs.emplace_back(static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j));
    }
  }
  return pairs;
}

// Whether dropping at most `budget` open places breaks up every pair from `next` on. Leaves places
// as they were.
bool can_separate(const std::vector<Pair>& pairs, std::size_t next, std::vector<Place>& places,
                  std::size_t budget) {
  while (next < pairs.size() && (places[pairs[next].first] == Place::dropped ||
                                 places[pairs[next].second] == Place::dropped)) {
    ++next;
  }
  if (next == pairs.size()) return true;
  if (budget == 0) return false;
  for (const std::uint32_t end : {pairs[next].first, pairs[next].second}) {
    if (places[end] != Place::open) continue;
    places[end] = Place::dropped;
    const bool separated = can_separate(pairs, next + 1, places, budget - 1);
    places[end] = Place::open;
    if (separated) return true;
  }
  return false;
}

std::optional<std::vector<Pair>> separable_pairs(const Points& points, double limit,
                                                 std::size_t f) {
  auto pairs = pairs_beyond(points, limit, f);
  if (!pairs.has_value()) return std::nullopt;
  std::vector<Place> places(points.n, Place::open);
  if (!can_separate(*pairs, 0, places, f)) return std::nullopt;
  return pairs;
}

// The pairs beyond the smallest diameter that n - f updates can have.
std::vector<Pair> pairs_beyond_best(const Points& points, std::size_t f) {
  std::vector<double> diameters{0.0};
  for (std::size_t i = 0; i < points.n; ++i) {
    const auto row = points.row(i);
    diameters.insert(diameters.end(), row.begin(), row.begin() + static_cast<std::ptrdiff_t>(i));
  }
  std::sort(diameters.begin(), diameters.end());
  std::size_t low = 0;
  std::size_t high = diameters.size() - 1;  // no pair is beyond the largest
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (separable_pairs(points, diameters[middle], f).has_value()) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  auto pairs = separable_pairs(points, diameters[low], f);
  GRADMINT_CHECK(pairs.has_value());
  return *pairs;
}

}  // namespace

std::uint64_t count_subsets(std::size_t n, std::size_t f) {
  std::uint64_t count = 1;
  for (std::size_t k = 1; k <= std::min(f, n - f); ++k) {
    count = count * (n - k + 1) / k;  // exact: a binomial coefficient at every step
    if (count > kMaxDiameterSubsets) return kMaxDiameterSubsets + 1;
  }
  return count;
}

std::vector<std::uint32_t> minimum_diameter(const Points& points, std::size_t f) {
  const std::size_t n = points.n;
  GRADMINT_CHECK(2 * f < n);
  const std::vector<Pair> pairs = pairs_beyond_best(points, f);
  std::vector<Place> places(n, Place::open);
  std::vector<std::uint32_t> kept;
  std::size_t budget = f;
  for (std::size_t i = 0; kept.size() < n - f; ++i) {
    places[i] = Place::kept;
    if (can_separate(pairs, 0, places, budget)) {
      kept.push_back(static_cast<std::uint32_t>(i));
      continue;
    }
    places[i] = Place::dropped;
    GRADMINT_CHECK(budget > 0);
    --budget;
  }
  return kept;
}

}  // namespace gradmint::kernels
