#include "tests/kernels/reference_points.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace gradmint::test {

double value_of(const kernels::NamedRule& rule, const std::string& name) {
  for (const auto& parameter : rule.parameters) {
    if (parameter.name == name) return static_cast<double>(parameter.value);
  }
  return -1;
}

std::size_t count_of(const kernels::NamedRule& rule, const std::string& name) {
  return static_cast<std::size_t>(value_of(rule, name));
}

Updates with_start(const Updates& updates, const std::optional<kernels::Row>& centre) {
  Updates points = updates;
  points.emplace_back(updates[0].size(), 0.0f);
  if (centre) points.back().assign(centre->values(), centre->values() + centre->size());
  return points;
}

const Matrix& dots_of(const Updates& points) {
  static Updates seen;
  static Matrix dots;
  if (seen == points) return dots;
  seen = points;
  dots.assign(points.size(), std::vector<double>(points.size(), 0.0));
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      dots[i][j] = dots[j][i] = reference_dot(points[i], points[j]);
    }
  }
  return dots;
}

std::vector<double> clips_of(const kernels::AggregateSpec& spec, const Matrix& dots) {
  std::vector<double> clips;
  for (const auto& pre : spec.pre) {
    if (pre.name == "nnm") continue;
    const std::size_t n = dots.size() - 1;
    if (clips.empty()) clips.assign(n, 1.0);
    std::vector<double> norms;
    for (std::size_t i = 0; i < n; ++i) {
      norms.push_back(std::sqrt(dots[i][i]) * clips[i]);
    }
    double limit = value_of(pre, "tau");
    if (pre.name == "arc") {
      const std::size_t f = count_of(pre, "f");
      std::vector<double> sorted = norms;
      std::sort(sorted.rbegin(), sorted.rend());
      limit = sorted[2 * f * (n - f) / n];
    }
    for (std::size_t i = 0; i < n; ++i) clips[i] *= norms[i] > limit ? limit / norms[i] : 1.0;
  }
  return clips;
}

Matrix distances(const Updates& points, const Matrix& dots, const std::vector<double>& clips,
                 bool has_centre) {
  const std::size_t n = points.size() - 1;
  std::vector<double> factors = clips.empty() ? std::vector<double>(n, 1.0) : clips;
  factors.push_back(1.0);
  Matrix d(n + 1, std::vector<double>(n + 1, 0.0));
  for (std::size_t i = 0; i <= n; ++i) {
    const double own = factors[i] * factors[i] * dots[i][i];
    for (std::size_t j = 0; j < i; ++j) {
      const double other = factors[j] * factors[j] * dots[j][j];
      const double both = own + other;
      const double cross = factors[i] * factors[j] * dots[i][j];
      double squared = std::max(0.0, both - 2 * cross);
      if (squared < 1e-6 * both) {
        squared = reference_difference(points[i], points[j], factors[i], factors[j]);
      }
      if (i == n && !has_centre) squared = other;
      d[i][j] = d[j][i] = squared;
    }
  }
  return d;
}

Places all_but(const Places& excluded, std::size_t n) {
  Places members;
  for (std::uint32_t j = 0; j < n; ++j) {
    if (std::find(excluded.begin(), excluded.end(), j) == excluded.end()) members.push_back(j);
  }
  return members;
}

std::vector<Places> farthest(const Matrix& d, std::size_t n, std::size_t f) {
  std::vector<Places> excluded;
  for (std::size_t i = 0; i < n; ++i) {
    std::set<std::pair<double, std::uint32_t>> by_distance;
    for (std::uint32_t j = 0; j < n; ++j) by_distance.insert({d[i][j], j});
    Places last;
    for (std::size_t k = 0; k < f; ++k) {
      last.push_back(std::prev(by_distance.end())->second);
      by_distance.erase(std::prev(by_distance.end()));
    }
    std::sort(last.begin(), last.end());
    excluded.push_back(last);
  }
  return excluded;
}

Matrix mixed(const Matrix& d, const std::vector<Places>& excluded) {
  const std::size_t n = excluded.size();
  const double k = static_cast<double>(n - excluded[0].size());
  std::vector<Places> members;
  for (const Places& each : excluded) members.push_back(all_but(each, n));
  Matrix sums(n, std::vector<double>(n + 1, 0.0));  // over the members of i
  Matrix q(n, std::vector<double>(n, 0.0));
  for (std::size_t i = 0; i < n; ++i) {
    for (const std::uint32_t j : members[i]) {
      for (std::size_t l = 0; l <= n; ++l) sums[i][l] += d[j][l];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      for (const std::uint32_t l : members[j]) q[i][j] += sums[i][l];
      q[i][j] /= k * k;
    }
  }
  Matrix result(n + 1, std::vector<double>(n + 1, 0.0));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      result[i][j] = result[j][i] = std::max(0.0, q[i][j] - (q[i][i] + q[j][j]) / 2);
    }
    result[i][n] = result[n][i] = std::max(0.0, sums[i][n] / k - q[i][i] / 2);
  }
  return result;
}

}  // namespace gradmint::test
