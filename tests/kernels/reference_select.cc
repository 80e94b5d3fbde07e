#include "tests/kernels/reference_select.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "tests/kernels/reference_points.h"

namespace gradmint::test {
namespace {

double sum_of_lowest(std::vector<double> values, std::size_t count) {
  std::sort(values.begin(), values.end());
  double sum = 0;
  for (std::size_t k = 0; k < std::min(count, values.size()); ++k) sum += values[k];
  return sum;
}

// The Krum score of i among the places that are left.
double krum_score(const Matrix& d, const Places& left, std::uint32_t i, std::size_t neighbours) {
  std::vector<double> others;
  for (const std::uint32_t j : left) {
    if (j != i) others.push_back(d[i][j]);
  }
  return sum_of_lowest(others, neighbours);
}

std::size_t at_least_one(std::size_t n, std::size_t taken) {
  return n > taken ? n - taken : std::size_t{1};
}

std::vector<double> krum_scores(const Matrix& d, std::size_t n, std::size_t f,
                                std::size_t convention) {
  const Places everyone = all_but({}, n);
  std::vector<double> scores;
  for (const std::uint32_t i : everyone) {
    if (convention == 1) {
      const std::size_t neighbours = n - f - 1;
      const double sum = krum_score(d, everyone, i, neighbours);
      scores.push_back(neighbours == 0 ? 0.0 : sum / static_cast<double>(neighbours));
    } else {
      scores.push_back(krum_score(d, everyone, i, at_least_one(n, f + 2)));
    }
  }
  return scores;
}

Places lowest(const std::vector<double>& scores, std::size_t m) {
  std::set<std::pair<double, std::uint32_t>> order;
  for (std::uint32_t i = 0; i < scores.size(); ++i) order.insert({scores[i], i});
  Places chosen;
  for (const auto& [score, i] : order) {
    if (chosen.size() < m) chosen.push_back(i);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

Places bulyan(const Matrix& d, std::size_t n, std::size_t f, std::size_t convention) {
  if (convention == 1) return lowest(krum_scores(d, n, f, 0), n - 2 * f);
  Places left = all_but({}, n);
  Places chosen;
  while (chosen.size() < n - 2 * f) {
    std::pair<double, std::uint32_t> best{INFINITY, 0};
    for (const std::uint32_t i : left) {
      best = std::min(best, {krum_score(d, left, i, at_least_one(left.size(), f + 2)), i});
    }
    chosen.push_back(best.second);
    left.erase(std::find(left.begin(), left.end(), best.second));
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

// Every subset of n - f in lexicographic order; the first of the smallest diameter.
Places smallest_diameter(const Matrix& d, std::size_t n, std::size_t f) {
  Places subset = all_but({}, n - f);
  Places best;
  double least = INFINITY;
  for (;;) {
    double diameter = 0;
    for (const std::uint32_t i : subset) {
      for (const std::uint32_t j : subset) diameter = std::max(diameter, d[i][j]);
    }
    if (diameter < least) {
      least = diameter;
      best = subset;
    }
    std::size_t last = subset.size();
    while (last > 0 && subset[last - 1] == n - subset.size() + last - 1) --last;
    if (last == 0) return best;
    ++subset[last - 1];
    for (std::size_t k = last; k < subset.size(); ++k) subset[k] = subset[k - 1] + 1;
  }
}

// Squared distances to the combination with these shares (the last is the start's).
std::vector<double> to_combination(const Matrix& d, const std::vector<double>& shares) {
  const std::size_t n = shares.size() - 1;
  std::vector<double> linear;
  for (std::size_t i = 0; i <= n; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j <= n; ++j) sum += shares[j] * d[i][j];
    linear.push_back(sum);
  }
  double spread = shares[n] * linear[n];
  for (std::size_t i = 0; i < n; ++i) spread += shares[i] * linear[i];
  std::vector<double> squares;
  for (std::size_t i = 0; i < n; ++i) squares.push_back(std::max(0.0, linear[i] - spread / 2));
  return squares;
}

void without_negligible(std::vector<double>& values) {
  const double largest = *std::max_element(values.begin(), values.end());
  for (double& value : values) value = value < largest / 33554432.0 ? 0.0 : value;
}

// Shares of the updates and, last, of the start.
std::vector<double> weiszfeld(const Matrix& d, const kernels::NamedRule& rule) {
  const std::size_t n = d.size() - 1;
  std::vector<double> norms;
  for (std::size_t i = 0; i < n; ++i) norms.push_back(std::sqrt(d[i][n]));
  std::sort(norms.begin(), norms.end());
  double nu = value_of(rule, "nu");
  if (count_of(rule, "scale") == 0) nu *= norms[(n - 1) / 2];
  std::vector<double> shares(n + 1, 0.0);
  shares[n] = 1.0;
  for (std::size_t step = 0; step < count_of(rule, "steps"); ++step) {
    std::vector<double> reach = to_combination(d, shares);
    for (double& each : reach) each = std::max(nu, std::sqrt(each));
    const bool touching = std::count(reach.begin(), reach.end(), 0.0) > 0;
    std::vector<double> weights;
    for (const double each : reach) {
      weights.push_back(touching ? (each == 0.0 ? 1.0 : 0.0) : 1.0 / each);
    }
    without_negligible(weights);
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (std::size_t i = 0; i < n; ++i) shares[i] = weights[i] / total;
    shares[n] = 0.0;
  }
  return shares;
}

std::vector<double> centered(const Matrix& d, const kernels::NamedRule& rule) {
  const std::size_t n = d.size() - 1;
  const double tau = value_of(rule, "tau");
  std::vector<double> shares(n + 1, 0.0);
  shares[n] = 1.0;
  for (std::size_t step = 0; step < count_of(rule, "steps"); ++step) {
    std::vector<double> pulls;
    for (const double square : to_combination(d, shares)) {
      pulls.push_back(std::sqrt(square) > tau ? tau / std::sqrt(square) : 1.0);
    }
    without_negligible(pulls);
    const double stays =
        1.0 - std::accumulate(pulls.begin(), pulls.end(), 0.0) / static_cast<double>(n);
    for (double& share : shares) share *= stays;
    for (std::size_t i = 0; i < n; ++i) shares[i] += pulls[i] / static_cast<double>(n);
  }
  return shares;
}

// Whole weights of real coefficients, the start's last; `total` is what they sum to.
void weigh(const std::vector<double>& coefficients, double total, bool has_centre, int exponent,
           ReferencePlan& plan) {
  const std::size_t n = coefficients.size() - 1;
  const std::size_t carried = has_centre ? n + 1 : n;
  double largest = 0;
  bool whole = true;
  for (std::size_t i = 0; i < carried; ++i) {
    largest = std::max(largest, coefficients[i]);
    whole = whole && coefficients[i] == std::floor(coefficients[i]);
  }
  whole = whole && largest <= 16777216.0;
  std::vector<std::uint32_t> weights;
  double sum = 0;
  for (std::size_t i = 0; i < carried; ++i) {
    const double real = whole ? coefficients[i] : coefficients[i] / largest * 16777216.0;
    weights.push_back(static_cast<std::uint32_t>(std::nearbyint(real)));
    sum += weights.back();
  }
  plan.shift = reference_shift(exponent, *std::max_element(weights.begin(), weights.end()));
  plan.divisor = sum;
  if (!has_centre && coefficients[n] > 0) {
    plan.divisor = whole ? total : total * 16777216.0 / largest;
  }
  if (has_centre) {
    plan.centre_weight = weights.back();
    weights.pop_back();
  }
  plan.coefficients = weights;
}

// What the mean-like rules take of the points, the start last.
std::vector<double> coefficients_of(const kernels::NamedRule& rule, const Matrix& d,
                                    std::span<const std::uint32_t> weights,
                                    std::vector<double>& scores) {
  const std::size_t n = weights.size();
  if (rule.name == "geometric_median") return weiszfeld(d, rule);
  if (rule.name == "centered_clipping") return centered(d, rule);
  Places chosen = all_but({}, n);
  bool weighted = rule.name == "mean";
  if (rule.name == "mda") chosen = smallest_diameter(d, n, count_of(rule, "f"));
  if (rule.name == "krum" || rule.name == "multi_krum") {
    const std::size_t convention = count_of(rule, "convention");
    scores = krum_scores(d, n, count_of(rule, "f"), convention);
    std::size_t m = rule.name == "krum" ? 1 : count_of(rule, "m");
    if (m == 0) m = convention == 2 ? 1 : n - count_of(rule, "f");
    chosen = lowest(scores, m);
    weighted = convention == 2;
  }
  std::vector<double> coefficients(n + 1, 0.0);
  for (const std::uint32_t i : chosen) coefficients[i] = weighted ? weights[i] : 1.0;
  return coefficients;
}

void plan_order_statistic(const kernels::NamedRule& rule, const Matrix& d, std::size_t n,
                          ReferencePlan& plan) {
  plan.coefficients.assign(n, 1);
  plan.kind = kernels::CombineKind::median;
  if (rule.name == "trimmed_mean") {
    plan.kind = kernels::CombineKind::trimmed_mean;
    const double share = value_of(rule, "beta") * static_cast<double>(n) + 1.0 / 1048576;
    plan.dropped = count_of(rule, "f") + static_cast<std::size_t>(std::floor(share));
    plan.kept = n - 2 * plan.dropped;
  }
  if (rule.name == "bulyan") {
    const std::size_t f = count_of(rule, "f");
    plan.kind = kernels::CombineKind::nearest_to_median;
    plan.kept = n - 4 * f;
    plan.scores = krum_scores(d, n, f, 0);
    const Places chosen = bulyan(d, n, f, count_of(rule, "convention"));
    plan.coefficients.assign(n, 0);
    std::vector<Places> seen;
    for (const std::uint32_t i : chosen) {
      plan.coefficients[i] = 1;
      if (!plan.excluded.empty()) seen.push_back(plan.excluded[i]);
    }
    plan.excluded = seen;
  }
  plan.divisor = static_cast<double>(plan.kept);
}

bool looks_at_pairs(const kernels::AggregateSpec& spec, bool has_centre) {
  const std::string& name = spec.aggregator.name;
  if (!spec.pre.empty() && spec.pre.back().name == "nnm") return true;
  if (name == "geometric_median" || name == "centered_clipping") {
    return has_centre || count_of(spec.aggregator, "steps") > 1;
  }
  return name == "krum" || name == "multi_krum" || name == "bulyan" || name == "mda";
}

kernels::Gram gram_of(const Matrix& dots, std::size_t n) {
  kernels::Gram gram{n, {}};
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) gram.values.push_back(dots[i][j]);
  }
  return gram;
}

}  // namespace

ReferencePlan reference_plan(const kernels::AggregateSpec& complete,
                             const kernels::AggregateInput& input, const Updates& updates) {
  const std::size_t n = updates.size();
  const kernels::NamedRule& rule = complete.aggregator;
  const bool mixes = !complete.pre.empty() && complete.pre.back().name == "nnm";
  ReferencePlan plan;
  const bool pairs = looks_at_pairs(complete, input.centre.has_value());
  Matrix d;
  if (pairs || !complete.pre.empty() || rule.name == "geometric_median" ||
      rule.name == "centered_clipping") {
    const Updates points = with_start(updates, input.centre);
    const Matrix& dots = dots_of(points);
    plan.clips = clips_of(complete, dots);
    d = distances(points, dots, plan.clips, input.centre.has_value());
    if (pairs) plan.gram = gram_of(dots, n);
  }
  std::vector<Places> excluded;
  if (mixes) {
    excluded = farthest(d, n, count_of(complete.pre.back(), "f"));
    d = mixed(d, excluded);
  }
  if (rule.name == "median" || rule.name == "trimmed_mean" || rule.name == "bulyan") {
    plan.excluded = excluded;
    plan_order_statistic(rule, d, n, plan);
    plan.shift = reference_shift(input.round_exponent, 1);
    return plan;
  }
  std::vector<double> coefficients = coefficients_of(rule, d, input.weights, plan.scores);
  double total = 1;
  if (mixes) {
    std::vector<double> of_updates(n + 1, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      for (const std::uint32_t j : all_but(excluded[i], n)) of_updates[j] += coefficients[i];
    }
    total = static_cast<double>(n - excluded[0].size());
    of_updates[n] = coefficients[n] * total;
    coefficients = of_updates;
  }
  weigh(coefficients, total, input.centre.has_value(), input.round_exponent, plan);
  if (rule.name == "mean" && !mixes) plan.shift = input.shift;
  return plan;
}

std::vector<float> reference_weighted(const ReferencePlan& plan, const Updates& updates,
                                      const std::optional<kernels::Row>& centre) {
  std::vector<float> mean;
  for (std::size_t c = 0; c < updates[0].size(); ++c) {
    std::int64_t sum = 0;
    const auto add = [&](float x, double factor) {
      const double term = static_cast<double>(x) * std::ldexp(factor, plan.shift);
      sum += static_cast<std::int64_t>(std::nearbyint(term));
    };
    for (std::size_t i = 0; i < updates.size(); ++i) {
      if (plan.coefficients[i] == 0) continue;
      add(updates[i][c], plan.coefficients[i] * (plan.clips.empty() ? 1.0 : plan.clips[i]));
    }
    if (plan.centre_weight > 0) add(centre->values()[c], plan.centre_weight);
    const float value =
        static_cast<float>(std::ldexp(static_cast<double>(sum) / plan.divisor, -plan.shift));
    mean.push_back(value == 0.0f ? 0.0f : value);
  }
  return mean;
}

ReferenceKept reference_order_statistic(const ReferencePlan& plan, const Updates& updates) {
  Updates rows;
  std::vector<double> clips;
  if (plan.excluded.empty()) {
    for (std::size_t i = 0; i < updates.size(); ++i) {
      if (plan.coefficients[i] == 0) continue;
      rows.push_back(updates[i]);
      if (!plan.clips.empty()) clips.push_back(plan.clips[i]);
    }
  } else {
    rows = reference_mixed(updates, plan.clips, plan.excluded, plan.shift);
  }
  ReferenceKept kept;
  if (plan.kind == kernels::CombineKind::median) {
    const ReferenceMedian median = reference_median(rows, clips);
    kept = {median.median, median.outside};
  } else if (plan.kind == kernels::CombineKind::trimmed_mean) {
    kept = reference_trimmed_mean(rows, clips, plan.dropped, plan.shift);
  } else {
    kept = reference_nearest_to_median(rows, clips, plan.kept, plan.shift);
  }
  std::vector<std::uint64_t> outside;
  std::size_t next = 0;
  for (const std::uint32_t seen : plan.coefficients) {
    outside.push_back(seen == 0 ? 0 : kept.outside[next++]);
  }
  kept.outside = outside;
  return kept;
}

}  // namespace gradmint::test
