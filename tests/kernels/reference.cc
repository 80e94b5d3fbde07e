#include "tests/kernels/reference.h"

#include <algorithm>
#include <cmath>

#include "tests/kernels/reference_optimizers.h"
#include "tests/kernels/reference_select.h"

namespace gradmint::test {
namespace {

constexpr std::size_t kBlock = 4096;

float without_minus_zero(float x) { return x == 0.0f ? 0.0f : x; }

double round_to_even(double x) { return std::nearbyint(x); }

// The largest k with round(largest * 2^k) <= 16383.
int shift_of(double largest) {
  if (largest == 0) return 0;
  int k = 400;
  while (round_to_even(std::ldexp(largest, k)) > 16383) --k;
  return k;
}

int shift_of_block(std::span<const float> block) {
  double largest = 0;
  for (const float x : block) largest = std::max(largest, std::fabs(static_cast<double>(x)));
  return shift_of(largest);
}

double tree_sum(std::vector<double> values) {
  if (values.empty()) return 0;
  while (values.size() > 1) {
    std::vector<double> next;
    for (std::size_t i = 0; i + 1 < values.size(); i += 2) {
      next.push_back(values[i] + values[i + 1]);
    }
    if (values.size() % 2 == 1) next.push_back(values.back());
    values = next;
  }
  return values[0];
}

std::span<const float> block_of(std::span<const float> values, std::size_t begin) {
  return values.subspan(begin, std::min(kBlock, values.size() - begin));
}

kernels::Floats floats_of(std::span<const float> values) { return {values.begin(), values.end()}; }

}  // namespace

int reference_exponent(std::span<const float> values) {
  double largest = 0;
  for (const float x : values) largest = std::max(largest, std::fabs(static_cast<double>(x)));
  if (largest == 0) return -150;
  int e = -149;
  while (largest > std::ldexp(1.0, e)) ++e;
  return e;
}

int reference_shift(int round_exponent, std::uint32_t largest_weight) {
  int s = 400;
  while (std::ldexp(static_cast<double>(largest_weight), round_exponent + s) > 0x1p51) --s;
  return s;
}

std::vector<float> reference_mean(const Updates& updates, std::span<const std::uint32_t> weights,
                                  std::span<const double> clips, int shift) {
  double total = 0;
  for (const std::uint32_t weight : weights) total += weight;
  std::vector<float> mean(updates[0].size());
  for (std::size_t c = 0; c < mean.size(); ++c) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < updates.size(); ++i) {
      const double factor = std::ldexp(weights[i] * (clips.empty() ? 1.0 : clips[i]), shift);
      sum += static_cast<std::int64_t>(round_to_even(static_cast<double>(updates[i][c]) * factor));
    }
    const double exact = static_cast<double>(sum);
    mean[c] = without_minus_zero(static_cast<float>(std::ldexp(exact / total, -shift)));
  }
  return mean;
}

ReferenceMedian reference_median(const Updates& updates, std::span<const double> clips) {
  const std::size_t n = updates.size();
  ReferenceMedian result;
  result.median.resize(updates[0].size());
  result.outside.assign(n, 0);
  for (std::size_t c = 0; c < result.median.size(); ++c) {
    std::vector<float> values;
    for (std::size_t i = 0; i < n; ++i) {
      const float x = updates[i][c];
      values.push_back(clips.empty() ? x : static_cast<float>(static_cast<double>(x) * clips[i]));
    }
    std::vector<float> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    const float lower = sorted[(n - 1) / 2];
    const float upper = sorted[n / 2];
    result.median[c] = without_minus_zero(
        static_cast<float>((static_cast<double>(lower) + static_cast<double>(upper)) / 2));
    for (std::size_t i = 0; i < n; ++i) {
      if (values[i] < lower || values[i] > upper) ++result.outside[i];
    }
  }
  return result;
}

double reference_dot(std::span<const float> a, std::span<const float> b) {
  std::vector<double> blocks;
  for (std::size_t begin = 0; begin < a.size(); begin += kBlock) {
    const auto x = block_of(a, begin);
    const auto y = block_of(b, begin);
    const int kx = shift_of_block(x);
    const int ky = shift_of_block(y);
    std::int64_t sum = 0;
    for (std::size_t c = 0; c < x.size(); ++c) {
      sum += static_cast<std::int64_t>(round_to_even(std::ldexp(static_cast<double>(x[c]), kx))) *
             static_cast<std::int64_t>(round_to_even(std::ldexp(static_cast<double>(y[c]), ky)));
    }
    blocks.push_back(std::ldexp(static_cast<double>(sum), -kx - ky));
  }
  return tree_sum(blocks);
}

double reference_difference(std::span<const float> a, std::span<const float> b, double factor_a,
                            double factor_b) {
  std::vector<double> blocks;
  for (std::size_t begin = 0; begin < a.size(); begin += kBlock) {
    const auto x = block_of(a, begin);
    const auto y = block_of(b, begin);
    std::vector<double> apart;
    double largest = 0;
    for (std::size_t c = 0; c < x.size(); ++c) {
      apart.push_back(static_cast<double>(x[c]) * factor_a - static_cast<double>(y[c]) * factor_b);
      largest = std::max(largest, std::fabs(apart.back()));
    }
    const int k = shift_of(largest);
    std::int64_t sum = 0;
    for (const double d : apart) {
      const auto q = static_cast<std::int64_t>(round_to_even(std::ldexp(d, k)));
      sum += q * q;
    }
    blocks.push_back(std::ldexp(static_cast<double>(sum), -2 * k));
  }
  return tree_sum(blocks);
}

double reference_distance(std::span<const float> a, std::span<const float> b) {
  const double both = reference_dot(a, a) + reference_dot(b, b);
  const double squared = std::max(0.0, both - 2 * reference_dot(a, b));
  return squared < 1e-6 * both ? reference_difference(a, b) : squared;
}

kernels::AggregateOutput reference_aggregate(const kernels::AggregateSpec& spec,
                                             const kernels::AggregateInput& input) {
  const auto complete = kernels::complete_spec(spec).value();
  Updates updates;
  for (const auto& update : input.updates)
    updates.emplace_back(update.values(), update.values() + update.size());
  const ReferencePlan plan = reference_plan(complete, input, updates);
  kernels::AggregateOutput out;
  out.clip_factors = plan.clips;
  out.coefficients = plan.coefficients;
  out.scores = plan.scores;
  out.gram = plan.gram;
  for (const std::uint32_t each : plan.coefficients) out.selected.push_back(each > 0 ? 1 : 0);
  if (plan.kind == kernels::CombineKind::mean) {
    out.delta = floats_of(reference_weighted(plan, updates, input.centre));
  } else {
    const ReferenceKept kept = reference_order_statistic(plan, updates);
    out.delta = floats_of(kept.mean);
    out.outside = kept.outside;
  }
  const auto step =
      reference_step(complete.optimizer, input.model, out.delta, input.optimizer_state);
  out.model = floats_of(step.model);
  out.optimizer_state = floats_of(step.state);
  return out;
}

}  // namespace gradmint::test
