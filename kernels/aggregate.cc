#include "kernels/aggregate.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "kernels/blocks_rule.h"
#include "kernels/dots.h"
#include "kernels/fixed_point.h"
#include "kernels/optimizer_spec.h"
#include "kernels/parallel.h"
#include "kernels/scan.h"

namespace gradmint::kernels {
namespace {

Error bad_input(std::string message) {
  return {ErrorCode::bad_input, "aggregate: " + std::move(message)};
}

Status check_sizes(const AggregateSpec& spec, const AggregateInput& input) {
  const std::size_t n = input.updates.size();
  if (n == 0) return bad_input("no update was given: at least one is needed");
  if (n > kMaxUpdates) {
    return bad_input(std::to_string(n) + " updates: at most " + std::to_string(kMaxUpdates) +
                     " can be summed exactly");
  }
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

// Names the first update that has a value outside the round's range; there is one.
Error name_offender(const AggregateInput& input) {
  for (std::size_t i = 0; i < input.updates.size(); ++i) {
    const ScanResult scan = scan_row(input.updates[i]);
    if (!scan.finite) {
      return bad_input("update " + std::to_string(i) + " is not finite at value " +
                       std::to_string(scan.first_not_finite));
    }
    if (scan.exponent > input.round_exponent) {
      return bad_input("out_of_range: update " + std::to_string(i) + " has a value above 2^" +
                       std::to_string(input.round_exponent) + ", the round's exponent");
    }
  }
  GRADMINT_CHECK(false);  // the pass saw one that the scan does not
  return {};
}

std::uint64_t total_of(const std::vector<std::uint32_t>& weights) {
  std::uint64_t total = 0;
  for (const std::uint32_t weight : weights) total += weight;
  return total;
}

// The largest magnitude an input of the pass may have: 2^E for the mean; anything finite otherwise.
bool inputs_in_range(const CombinePass& pass, const AggregateInput& input, std::int32_t largest) {
  const int exponent = exponent_of_magnitude(static_cast<std::uint32_t>(largest));
  if (pass.kind == CombineKind::median) return exponent != kNotFiniteExponent;
  return exponent <= input.round_exponent;
}

// The factor of each update in the pass, from its weight and clip factor.
std::vector<double> factors_of(const CombinePass& pass, const AggregateInput& input,
                               const std::vector<double>& clips) {
  std::vector<double> factors;
  factors.reserve(input.updates.size());
  for (std::size_t i = 0; i < input.updates.size(); ++i) {
    const double clip = clips.empty() ? 1.0 : clips[i];
    factors.push_back(pass.kind == CombineKind::median
                          ? clip
                          : (static_cast<double>(input.weights[i]) * clip) *
                                power_of_two(input.shift));
  }
  return factors;
}

Status run_pass(CombinePass& pass, const AggregateInput& input, const AggregateSpec& spec,
                AggregateOutput& output, Backend& backend) {
  output.model.resize(input.model.size());
  output.optimizer_state.resize(input.optimizer_state.size());
  if (input.want_delta) output.delta.resize(input.model.size());
  if (input.want_outside && pass.kind == CombineKind::median) {
    output.outside.assign(input.updates.size(), 0);
  }
  output.selected.assign(input.updates.size(), 1);
  pass.rows = input.updates;
  pass.finish.bias = kRoundingBiasBits * input.updates.size();
  pass.finish.total_weight = static_cast<double>(total_of(input.weights));
  pass.finish.unscale = power_of_two(-input.shift);
  pass.step = optimizer_step(spec.optimizer);
  pass.model = input.model;
  pass.state = input.optimizer_state;
  pass.model_out = output.model;
  pass.state_out = output.optimizer_state;
  pass.delta_out = output.delta;
  pass.outside = output.outside;
  const auto report = backend.combine(pass);
  if (!report.ok()) return report.error();
  if (!inputs_in_range(pass, input, report->largest_input)) return name_offender(input);
  if (report->largest_output >= kInfinityMagnitude) {
    return bad_input(
        "non_finite_result: the new model or optimizer state is not finite; lower the "
        "optimizer's lr, or clip the updates");
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

  const ExactFloats exact;
  AggregateOutput output;
  if (!complete->pre.empty()) {
    const auto lengths = norms(input.updates, backend);
    if (!lengths.ok()) return name_offender(input);
    output.clip_factors = clip_factors(*lengths, parameter_of(complete->pre[0], "tau"));
  }
  CombinePass pass;
  if (complete->aggregator.name == "median") pass.kind = CombineKind::median;
  const std::vector<double> factors = factors_of(pass, input, output.clip_factors);
  pass.factors = factors;
  if (const Status ran = run_pass(pass, input, *complete, output, backend); !ran.ok()) {
    return ran.error();
  }
  return output;
}

}  // namespace gradmint::kernels
