// Nearest-neighbour mixing against float64 mathematics, to the bounds nearest_mixing.h publishes:
// who is mixed with whom, and how far apart the mixtures are.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "kernels/distances.h"
#include "kernels/nearest_mixing.h"
#include "tests/kernels/backends.h"
#include "tests/kernels/float64.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

using Matrix = std::vector<Vector>;

// Plain distances and the most by which each may be missed (distances.h). The last row and column
// are the zero vector.
struct Exact {
  Matrix distance;
  Matrix bound;
};

Exact exact_of(Updates points) {
  const std::size_t n = points.size();
  points.emplace_back(points[0].size(), 0.0f);
  Exact exact{Matrix(n + 1, Vector(n + 1, 0.0)), Matrix(n + 1, Vector(n + 1, 0.0))};
  for (std::size_t i = 0; i <= n; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const double apart = distance(points[i], points[j]);
      const double bound =
          quantisation_bound(points[i]) + quantisation_bound(points[j]) + 1e-6 * apart;
      exact.distance[i][j] = exact.distance[j][i] = apart;
      exact.bound[i][j] = exact.bound[j][i] = bound;
    }
  }
  return exact;
}

// By how much the square of a distance may be missed.
double square_bound(const Exact& exact, std::size_t i, std::size_t j) {
  return exact.bound[i][j] * (2 * exact.distance[i][j] + exact.bound[i][j]);
}

kernels::Excluded exact_farthest(const Exact& exact, std::size_t n, std::size_t f) {
  kernels::Excluded excluded;
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<std::pair<double, std::uint32_t>> order;
    for (std::uint32_t j = 0; j < n; ++j) order.emplace_back(exact.distance[i][j], j);
    std::sort(order.begin(), order.end());
    excluded.emplace_back();
    for (std::size_t k = n - f; k < n; ++k) excluded[i].push_back(order[k].second);
    std::sort(excluded[i].begin(), excluded[i].end());
  }
  return excluded;
}

std::vector<std::size_t> members_of(const std::vector<std::uint32_t>& excluded, std::size_t n) {
  std::vector<std::size_t> members;
  for (std::size_t j = 0; j < n; ++j) {
    if (std::find(excluded.begin(), excluded.end(), j) == excluded.end()) members.push_back(j);
  }
  return members;
}

Matrix exact_mixtures(const Updates& updates, const kernels::Excluded& excluded) {
  Matrix mixtures;
  for (const auto& out : excluded) {
    const auto members = members_of(out, updates.size());
    Vector mixture(updates[0].size(), 0.0);
    for (const std::size_t j : members) {
      for (std::size_t c = 0; c < mixture.size(); ++c) {
        mixture[c] += static_cast<double>(updates[j][c]);
      }
    }
    for (double& x : mixture) x /= static_cast<double>(members.size());
    mixtures.push_back(std::move(mixture));
  }
  mixtures.emplace_back(updates[0].size(), 0.0);
  return mixtures;
}

double square_between(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t c = 0; c < a.size(); ++c) sum += (a[c] - b[c]) * (a[c] - b[c]);
  return sum;
}

// The mean over the members of both of what `of` says of a pair.
template <class Of>
double mean_over(const std::vector<std::size_t>& left, const std::vector<std::size_t>& right,
                 Of of) {
  double sum = 0;
  for (const std::size_t i : left) {
    for (const std::size_t j : right) sum += of(i, j);
  }
  return sum / static_cast<double>(left.size() * right.size());
}

void check_mixed(const Updates& updates, const Exact& exact, const kernels::Excluded& excluded,
                 const kernels::Points& mixed) {
  const std::size_t n = updates.size();
  const Matrix mixtures = exact_mixtures(updates, excluded);
  std::vector<std::vector<std::size_t>> members;
  for (const auto& out : excluded) members.push_back(members_of(out, n));
  members.push_back({n});  // the start is mixed of itself alone
  const auto square = [&](std::size_t i, std::size_t j) {
    return exact.distance[i][j] * exact.distance[i][j];
  };
  const auto missed = [&](std::size_t i, std::size_t j) { return square_bound(exact, i, j); };
  const auto bound_of = [&](std::size_t i, std::size_t j) {
    const double rounding = 0x1p-52 * static_cast<double>(2 * n + 4);
    return mean_over(members[i], members[j], missed) +
           (mean_over(members[i], members[i], missed) + mean_over(members[j], members[j], missed)) /
               2 +
           rounding * (mean_over(members[i], members[j], square) +
                       mean_over(members[i], members[i], square) +
                       mean_over(members[j], members[j], square));
  };
  for (std::size_t i = 0; i < n; ++i) {
    CAPTURE(i);
    for (std::size_t j = 0; j < i; ++j) {
      CAPTURE(j);
      const double apart = square_between(mixtures[i], mixtures[j]);
      CHECK(std::fabs(mixed.at(i, j) - apart) <= bound_of(i, j));
      CHECK(mixed.at(j, i) == mixed.at(i, j));
    }
    CHECK(mixed.at(i, i) == 0);
    const double from_zero = square_between(mixtures[i], mixtures[n]);
    CHECK(std::fabs(mixed.to_start[i] - from_zero) <= bound_of(i, n));
  }
}

}  // namespace

TEST_CASE("nearest-neighbour mixing mixes whom float64 mixes, to the published bound") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    Updates updates = honest(11, 5000, seed);
    Sequence sequence(seed);
    SUBCASE("as they are") {}
    SUBCASE("a few shared coordinates 1e4 sigma out") {
      for (int k = 0; k < 5; ++k) {
        const std::size_t c = sequence.below(5000);
        for (auto& update : updates) update[c] += 1e4f;
      }
    }
    SUBCASE("one update at 1e30") {
      for (float& x : updates[4]) x = 1e30f * noise(sequence);
    }
    SUBCASE("three that agree on a lie") {
      for (std::size_t i = 8; i < 11; ++i) {
        for (float& x : updates[i]) x = -3.0f + 0.01f * noise(sequence);
      }
    }
    SUBCASE("all but equal") {
      for (std::size_t i = 0; i < updates.size(); ++i) {
        const float spread = 1e-3f + 1e-4f * static_cast<float>(i);
        for (std::size_t c = 0; c < 5000; ++c) {
          updates[i][c] = updates[0][c] * (1.0f + spread * noise(sequence));
        }
      }
    }
    const Exact exact = exact_of(updates);
    const std::vector<kernels::Row> rows(updates.begin(), updates.end());
    for (const auto& backend : backends()) {
      const auto gram = kernels::gram_matrix(rows, *backend).value();
      const auto points = kernels::points_of(gram, rows, {}, std::nullopt, *backend).value();
      for (const std::size_t f : {0u, 3u, 10u}) {
        CAPTURE(f);
        const auto excluded = kernels::farthest_of_each(points, f);
        CHECK(excluded == exact_farthest(exact, 11, f));
        check_mixed(updates, exact, excluded, kernels::mixed_points(points, excluded));
      }
    }
  }
}

TEST_CASE("a neighbour is preferred to a nearer one only within the bound of both distances") {
  // Updates at almost the same distance from each other, where the choice is a matter of rounding.
  Updates updates(9, std::vector<float>(6000));
  Sequence sequence(5);
  for (auto& update : updates) {
    for (float& x : update) x = sequence.below(2) == 0 ? 1.0f : -1.0f;
    update[sequence.below(6000)] = 700.0f;
  }
  const Exact exact = exact_of(updates);
  const std::vector<kernels::Row> rows(updates.begin(), updates.end());
  for (const auto& backend : backends()) {
    const auto gram = kernels::gram_matrix(rows, *backend).value();
    const auto points = kernels::points_of(gram, rows, {}, std::nullopt, *backend).value();
    const auto excluded = kernels::farthest_of_each(points, 4);
    for (std::size_t i = 0; i < 9; ++i) {
      for (const std::size_t kept : members_of(excluded[i], 9)) {
        for (const std::uint32_t out : excluded[i]) {
          CHECK(exact.distance[i][kept] - exact.bound[i][kept] <=
                exact.distance[i][out] + exact.bound[i][out]);
        }
      }
    }
    check_mixed(updates, exact, excluded, kernels::mixed_points(points, excluded));
  }
}
