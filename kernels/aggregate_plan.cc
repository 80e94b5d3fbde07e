#include "kernels/aggregate_plan.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/adaptive_clipping.h"
#include "kernels/base/check.h"
#include "kernels/bulyan.h"
#include "kernels/centered_clipping.h"
#include "kernels/combination.h"
#include "kernels/dots.h"
#include "kernels/fixed_point.h"
#include "kernels/geometric_median.h"
#include "kernels/krum.h"
#include "kernels/minimum_diameter.h"
#include "kernels/parallel.h"

namespace gradmint::kernels {
namespace {

bool mixes(const AggregateSpec& spec) { return !spec.pre.empty() && spec.pre.back().name == "nnm"; }

// Whether the rule looks at distances between what it is given.
bool looks_at_points(const NamedRule& rule) {
  return rule.name != "mean" && rule.name != "median" && rule.name != "trimmed_mean";
}

bool is_iteration(const NamedRule& rule) {
  return rule.name == "geometric_median" || rule.name == "centered_clipping";
}

std::vector<std::uint32_t> all_places(std::size_t n) {
  std::vector<std::uint32_t> places(n);
  std::iota(places.begin(), places.end(), 0u);
  return places;
}

// The rules that end in a mean: what of the points (mixtures, where they are mixed) it takes.
Combination combination_of(const NamedRule& rule, const PlanInput& input, const Points* points,
                           std::vector<double>& scores) {
  const std::size_t n = input.weights.size();
  if (rule.name == "mean") return weighted_mean_of(all_places(n), input.weights);
  GRADMINT_CHECK(points != nullptr);
  if (rule.name == "geometric_median") {
    return geometric_median(*points, static_cast<double>(parameter_of(rule, "nu")),
                            static_cast<NuScale>(whole_parameter(rule, "scale")),
                            whole_parameter(rule, "steps"));
  }
  if (rule.name == "centered_clipping") {
    return centered_clipping(*points, static_cast<double>(parameter_of(rule, "tau")),
                             whole_parameter(rule, "steps"));
  }
  const std::size_t f = whole_parameter(rule, "f");
  if (rule.name == "mda") return mean_of(minimum_diameter(*points, f), n);
  GRADMINT_CHECK(rule.name == "krum" || rule.name == "multi_krum");
  const auto convention = static_cast<KrumConvention>(whole_parameter(rule, "convention"));
  scores = krum_scores(*points, f, convention);
  const std::size_t m = rule.name == "krum" ? 1 : whole_parameter(rule, "m");
  const auto chosen = lowest_scores(scores, m == 0 ? multi_krum_default(n, f, convention) : m);
  return convention == KrumConvention::flower ? weighted_mean_of(chosen, input.weights)
                                              : mean_of(chosen, n);
}

void plan_mean(const AggregateSpec& spec, const PlanInput& input, const Points* points,
               const Excluded& excluded, AggregatePlan& plan) {
  Combination combination = combination_of(spec.aggregator, input, points, plan.scores);
  if (!excluded.empty()) combination = unmixed(combination, excluded);
  WholeWeights whole = whole_weights(combination, input.has_centre);
  plan.coefficients = std::move(whole.weights);
  plan.centre_weight = whole.start;
  plan.divisor = whole.divisor;
  const bool as_given = spec.aggregator.name == "mean" && excluded.empty();
  plan.shift = as_given ? input.shift : choose_shift(input.round_exponent, whole.largest);
}

std::size_t trimmed_per_side(const NamedRule& rule, std::size_t n) {
  const double share = static_cast<double>(parameter_of(rule, "beta"));
  if (share == 0.0) return whole_parameter(rule, "f");
  return static_cast<std::size_t>(std::floor(share * static_cast<double>(n) + 0x1p-20));
}

void plan_order_statistic(const NamedRule& rule, const PlanInput& input, const Points* points,
                          Excluded excluded, AggregatePlan& plan) {
  const std::size_t n = input.weights.size();
  plan.coefficients.assign(n, 1);
  plan.shift = choose_shift(input.round_exponent, 1);
  plan.excluded = std::move(excluded);
  if (rule.name == "median") {
    plan.kind = CombineKind::median;
  } else if (rule.name == "trimmed_mean") {
    plan.kind = CombineKind::trimmed_mean;
    plan.dropped = trimmed_per_side(rule, n);
    plan.kept = n - 2 * plan.dropped;
  } else {
    GRADMINT_CHECK(rule.name == "bulyan" && points != nullptr);
    const std::size_t f = whole_parameter(rule, "f");
    plan.kind = CombineKind::nearest_to_median;
    plan.kept = n - 4 * f;
    plan.scores = krum_scores(*points, f, KrumConvention::paper);
    const auto chosen = bulyan_selection(
        *points, f, static_cast<BulyanConvention>(whole_parameter(rule, "convention")));
    plan.coefficients.assign(n, 0);
    Excluded of_chosen;
    for (const std::uint32_t i : chosen) {
      plan.coefficients[i] = 1;
      if (!plan.excluded.empty()) of_chosen.push_back(std::move(plan.excluded[i]));
    }
    plan.excluded = std::move(of_chosen);
  }
  plan.divisor = static_cast<double>(plan.kept);
}

}  // namespace

Geometry geometry_for(const AggregateSpec& complete, bool has_centre) {
  const NamedRule& rule = complete.aggregator;
  if (mixes(complete)) return Geometry::gram;
  if (is_iteration(rule)) {
    const bool one_step_from_zero = whole_parameter(rule, "steps") == 1 && !has_centre;
    return one_step_from_zero ? Geometry::norms : Geometry::gram;
  }
  if (looks_at_points(rule)) return Geometry::gram;
  return complete.pre.empty() ? Geometry::none : Geometry::norms;
}

std::vector<double> pre_factors(const AggregateSpec& complete, std::span<const double> norms) {
  const ExactFloats exact;
  std::vector<double> factors;
  for (const NamedRule& pre : complete.pre) {
    if (pre.name == "nnm") continue;
    if (factors.empty()) factors.assign(norms.size(), 1.0);
    std::vector<double> lengths(norms.begin(), norms.end());
    for (std::size_t i = 0; i < lengths.size(); ++i) lengths[i] = lengths[i] * factors[i];
    const auto steps = pre.name == "clip"
                           ? clip_factors(lengths, parameter_of(pre, "tau"))
                           : adaptive_clip_factors(lengths, whole_parameter(pre, "f"));
    for (std::size_t i = 0; i < factors.size(); ++i) factors[i] = factors[i] * steps[i];
  }
  return factors;
}

AggregatePlan make_plan(const AggregateSpec& complete, const PlanInput& input) {
  const ExactFloats exact;
  const NamedRule& rule = complete.aggregator;
  const Points* points = input.points;
  Excluded excluded;
  Points mixed;
  if (mixes(complete)) {
    GRADMINT_CHECK(points != nullptr);
    excluded = farthest_of_each(*points, whole_parameter(complete.pre.back(), "f"));
    if (looks_at_points(rule)) mixed = mixed_points(*points, excluded);
    points = &mixed;
  }
  AggregatePlan plan;
  if (rule.name == "median" || rule.name == "trimmed_mean" || rule.name == "bulyan") {
    plan_order_statistic(rule, input, points, std::move(excluded), plan);
  } else {
    plan_mean(complete, input, points, excluded, plan);
  }
  return plan;
}

}  // namespace gradmint::kernels
