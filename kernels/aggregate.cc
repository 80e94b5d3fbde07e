#include "kernels/aggregate.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "kernels/aggregate_plan.h"
#include "kernels/blocks_rule.h"
#include "kernels/distances.h"
#include "kernels/dots.h"
#include "kernels/fixed_point.h"
#include "kernels/optimizer_spec.h"
#include "kernels/parallel.h"
#include "kernels/preconditions.h"
#include "kernels/scan.h"

namespace gradmint::kernels {
namespace {

Error bad_input(std::string message) {
  return {ErrorCode::bad_input, "aggregate: " + std::move(message)};
}

Status check_centre(const AggregateSpec& spec, const AggregateInput& input) {
  if (!input.centre.has_value()) return {};
  if (spec.aggregator.name != "centered_clipping") {
    return bad_input("a centre was given: aggregator '" + spec.aggregator.name + "' has none");
  }
  if (input.updates.size() == kMaxUpdates) {
    return bad_input(std::to_string(kMaxUpdates) + " updates and a centre: at most " +
                     std::to_string(kMaxUpdates) + " can be summed exactly");
  }
  if (input.centre->size() != input.model.size()) {
    return bad_input("the centre has " + std::to_string(input.centre->size()) +
                     " values, the model " + std::to_string(input.model.size()));
  }
  return {};
}

Status check_sizes(const AggregateSpec& spec, const AggregateInput& input) {
  const std::size_t n = input.updates.size();
  if (n == 0) return bad_input("no update was given: at least one is needed");
  if (n > kMaxUpdates) {
    return bad_input(std::to_string(n) + " updates: at most " + std::to_string(kMaxUpdates) +
                     " can be summed exactly");
  }
  if (const Status centre = check_centre(spec, input); !centre.ok()) return centre;
  for (std::size_t i = 0; i < n; ++i) {
    if (input.updates[i].size() != input.model.size()) {
      return bad_input("update " + std::to_string(i) + " has " +
                       std::to_string(input.updates[i].size()) + " values, the model " +
                       std::to_string(input.model.size()));
    }
  }
  const std::size_t state = input.model.size() * optimizer_state_per_value(spec.optimizer.name);
  if (input.optimizer_state.size() != state) {
    return bad_input("optimizer '" + spec.optimizer.name + "' needs a state of " +
                     std::to_string(state) + " values, got " +
                     std::to_string(input.optimizer_state.size()));
  }
  return {};
}

Status check_scaling(const AggregateInput& input) {
  if (input.weights.size() != input.updates.size()) {
    return bad_input(std::to_string(input.weights.size()) + " weights for " +
                     std::to_string(input.updates.size()) + " updates");
  }
  std::uint32_t largest = 1;
  for (std::size_t i = 0; i < input.weights.size(); ++i) {
    const std::uint32_t weight = input.weights[i];
    if (weight < 1 || weight > kMaxWeight) {
      return bad_input("weight " + std::to_string(weight) + " of update " + std::to_string(i) +
                       ": must be in [1, " + std::to_string(kMaxWeight) + "]");
    }
    largest = std::max(largest, weight);
  }
  if (input.round_exponent < kMinExponent || input.round_exponent > kMaxExponent) {
    return bad_input("round exponent " + std::to_string(input.round_exponent) +
                     ": must be in [-149, 128]");
  }
  const int most = choose_shift(input.round_exponent, largest);
  const int least = choose_shift(input.round_exponent, kMaxWeight);
  if (input.shift < least || input.shift > most) {
    return bad_input("shift " + std::to_string(input.shift) + ": must be in [" +
                     std::to_string(least) + ", " + std::to_string(most) +
                     "] for these weights and round exponent");
  }
  return {};
}

// The rows of a pass, and whose they are: an update's place, or one past the last for the centre.
struct PassRows {
  std::vector<Row> rows;
  std::vector<double> factors;
  std::vector<std::size_t> places;
};

// Names the first row that has a value which is not finite or above 2^exponent; nothing where there
// is none.
std::optional<Error> offender(const PassRows& seen, std::size_t updates, int exponent) {
  for (std::size_t k = 0; k < seen.rows.size(); ++k) {
    const std::size_t place = seen.places[k];
    const std::string who =
        place < updates ? "update " + std::to_string(place) : std::string("the centre");
    const ScanResult scan = scan_row(seen.rows[k]);
    if (!scan.finite) {
      return bad_input(who + " is not finite at value " + std::to_string(scan.first_not_finite));
    }
    if (scan.exponent > exponent) {
      return bad_input(
          "out_of_range: " + who + " has a value above 2^" + std::to_string(exponent) +
          ", the round's exponent; leave it out, or use median or a rule that chooses updates");
    }
  }
  return std::nullopt;
}

PassRows all_rows(const AggregateInput& input) {
  PassRows all;
  all.rows = input.updates;
  if (input.centre.has_value()) all.rows.push_back(*input.centre);
  for (std::size_t i = 0; i < all.rows.size(); ++i) all.places.push_back(i);
  return all;
}

// What the rules must know of the updates before the last pass; fills in clip factors and Gram.
Result<Points> survey(const AggregateSpec& spec, const AggregateInput& input,
                      AggregateOutput& output, Backend& backend) {
  const Geometry geometry = geometry_for(spec, input.centre.has_value());
  if (geometry == Geometry::none) return Points{};
  const std::size_t n = input.updates.size();
  const PassRows all = all_rows(input);
  const bool diagonal_only = geometry == Geometry::norms;
  auto dots = backend.dots(all.rows, diagonal_only);
  if (!dots.ok()) return offender(all, n, kMaxExponent).value_or(dots.error());
  std::vector<double> lengths;
  for (std::size_t i = 0; i < n; ++i) {
    const double square = diagonal_only ? (*dots)[i] : (*dots)[i * all.rows.size() + i];
    lengths.push_back(std::sqrt(square));
  }
  output.clip_factors = pre_factors(spec, lengths);
  if (diagonal_only) return points_from_zero(*dots, output.clip_factors);
  const Gram gram{all.rows.size(), std::move(*dots)};
  output.gram.emplace(Gram{n, {}});
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) output.gram->values.push_back(gram.at(i, j));
  }
  return points_of(gram, input.updates, output.clip_factors, input.centre, backend);
}

// The rows of the last pass with their factors: c_i for an order statistic, (w_i * c_i) * 2^s for a
// mean.
PassRows rows_of(const AggregatePlan& plan, const AggregateInput& input,
                 const std::vector<double>& clips) {
  const bool mean = plan.kind == CombineKind::mean;
  PassRows pass;
  for (std::size_t i = 0; i < input.updates.size(); ++i) {
    if (plan.coefficients[i] == 0 && plan.excluded.empty()) continue;
    const double clip = clips.empty() ? 1.0 : clips[i];
    const double weight = static_cast<double>(plan.coefficients[i]);
    pass.rows.push_back(input.updates[i]);
    pass.factors.push_back(mean ? (weight * clip) * power_of_two(plan.shift) : clip);
    pass.places.push_back(i);
  }
  if (plan.centre_weight > 0) {
    pass.rows.push_back(*input.centre);
    pass.factors.push_back(static_cast<double>(plan.centre_weight) * power_of_two(plan.shift));
    pass.places.push_back(input.updates.size());
  }
  return pass;
}

MeanFinish finish_of(const AggregatePlan& plan, std::size_t terms, double divisor) {
  return {kRoundingBiasBits * terms, divisor, power_of_two(-plan.shift)};
}

// Counts per row seen, put where its update stands.
std::vector<std::uint64_t> by_update(const std::vector<std::uint64_t>& counts,
                                     const std::vector<std::uint32_t>& coefficients) {
  std::vector<std::uint64_t> result(coefficients.size(), 0);
  std::size_t next = 0;
  for (std::size_t i = 0; i < coefficients.size(); ++i) {
    if (coefficients[i] != 0) result[i] = counts[next++];
  }
  return result;
}

Status run_pass(const AggregatePlan& plan, const AggregateInput& input, const AggregateSpec& spec,
                AggregateOutput& output, Backend& backend) {
  const std::size_t n = input.updates.size();
  const PassRows seen = rows_of(plan, input, output.clip_factors);
  const bool mean = plan.kind == CombineKind::mean;
  Mixing mixing;
  mixing.excluded = plan.excluded;
  if (!plan.excluded.empty()) {
    const std::size_t mixed = n - plan.excluded[0].size();
    mixing.finish = finish_of(plan, mixed, static_cast<double>(mixed));
  }
  std::vector<std::uint64_t> outside;
  if (input.want_outside && !mean) {
    outside.assign(plan.excluded.empty() ? seen.rows.size() : plan.excluded.size(), 0);
  }
  output.model.resize(input.model.size());
  output.optimizer_state.resize(input.optimizer_state.size());
  if (input.want_delta) output.delta.resize(input.model.size());

  CombinePass pass;
  pass.kind = plan.kind;
  pass.rows = seen.rows;
  pass.factors = seen.factors;
  if (!plan.excluded.empty()) pass.mixing = &mixing;
  pass.dropped = plan.dropped;
  pass.kept = plan.kept;
  pass.finish = finish_of(plan, mean ? seen.rows.size() : plan.kept, plan.divisor);
  pass.unit = power_of_two(plan.shift);
  pass.step = optimizer_step(spec.optimizer);
  pass.model = input.model;
  pass.state = input.optimizer_state;
  pass.model_out = output.model;
  pass.state_out = output.optimizer_state;
  pass.delta_out = output.delta;
  pass.outside = outside;
  const auto report = backend.combine(pass);
  if (!report.ok()) return report.error();
  const bool any_magnitude = plan.kind == CombineKind::median && plan.excluded.empty();
  const int largest = any_magnitude ? kMaxExponent : input.round_exponent;
  if (exponent_of_magnitude(static_cast<std::uint32_t>(report->largest_input)) > largest) {
    const auto named = offender(seen, n, largest);
    GRADMINT_CHECK(named.has_value());  // the pass saw one that the scan does not
    return *named;
  }
  if (!outside.empty()) output.outside = by_update(outside, plan.coefficients);
  if (report->largest_output >= kInfinityMagnitude) {
    return Error{ErrorCode::not_finite,
                 "aggregate: non_finite_result: the new model or optimizer state is not finite; "
                 "lower the optimizer's lr, or clip the updates"};
  }
  return {};
}

}  // namespace

Result<AggregateOutput> aggregate(const AggregateSpec& spec, const AggregateInput& input,
                                  Backend& backend) {
  const auto complete = complete_spec(spec);
  if (!complete.ok()) return complete.error();
  if (const Status sizes = check_sizes(*complete, input); !sizes.ok()) return sizes.error();
  if (const Status scaling = check_scaling(input); !scaling.ok()) return scaling.error();
  const Status enough = check_update_count(*complete, input.updates.size());
  if (!enough.ok()) return enough.error();

  const ExactFloats exact;
  AggregateOutput output;
  const auto points = survey(*complete, input, output, backend);
  if (!points.ok()) return points.error();
  AggregatePlan plan =
      make_plan(*complete, {input.weights, input.round_exponent, input.shift,
                            input.centre.has_value(), points->n == 0 ? nullptr : &*points});
  if (const Status ran = run_pass(plan, input, *complete, output, backend); !ran.ok()) {
    return ran.error();
  }
  for (const std::uint32_t each : plan.coefficients) output.selected.push_back(each != 0 ? 1 : 0);
  output.coefficients = std::move(plan.coefficients);
  output.scores = std::move(plan.scores);
  return output;
}

}  // namespace gradmint::kernels
