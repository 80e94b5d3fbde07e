#include "kernels/buffers.h"

#include <algorithm>
#include <string>
#include <vector>

#include "kernels/aggregate.h"
#include "kernels/base/check.h"
#include "kernels/fixed_point.h"
#include "kernels/scan.h"

namespace gradmint::kernels {
namespace {

Error bad_input(const std::string& message) {
  return {ErrorCode::bad_input, "aggregate: buffers: " + message};
}

// Of all updates as they are; an Error where one is not finite.
Result<std::vector<int>> exponents_of(Rows updates) {
  std::vector<int> exponents;
  for (std::size_t i = 0; i < updates.size(); ++i) {
    const ScanResult scan = scan_row(updates[i]);
    if (!scan.finite) {
      return bad_input("update " + std::to_string(i) + " is not finite at value " +
                       std::to_string(scan.first_not_finite));
    }
    exponents.push_back(scan.exponent);
  }
  return exponents;
}

Status take_mean(Rows updates, std::span<const std::uint32_t> weights, AggregateInput& input) {
  const auto exponents = exponents_of(updates);
  if (!exponents.ok()) return exponents.error();
  input.round_exponent = choose_round_exponent(*exponents);
  std::uint32_t largest = 1;
  for (std::size_t i = 0; i < updates.size(); ++i) {
    if ((*exponents)[i] > input.round_exponent) continue;
    input.updates.push_back(updates[i]);
    input.weights.push_back(weights[i]);
    largest = std::max(largest, weights[i]);
  }
  input.shift = choose_shift(input.round_exponent, largest);
  return {};
}

}  // namespace

Result<Floats> aggregate_buffers(const AggregateSpec& spec, Rows updates,
                                 std::span<const std::uint32_t> weights,
                                 std::span<const float> buffers, Backend& backend) {
  GRADMINT_CHECK(weights.size() == updates.size());
  if (buffers.empty() || updates.empty()) return Floats();
  const bool is_mean = spec.aggregator.name == "mean";
  AggregateInput input;
  input.model = buffers;
  if (is_mean) {
    if (const Status taken = take_mean(updates, weights, input); !taken.ok()) return taken.error();
  } else {
    input.updates.assign(updates.begin(), updates.end());
    input.weights.assign(updates.size(), 1);
    input.round_exponent = kMaxExponent;
    input.shift = choose_shift(kMaxExponent, 1);
  }
  AggregateSpec plain;
  plain.aggregator.name = is_mean ? "mean" : "median";
  auto output = aggregate(plain, input, backend);
  if (!output.ok()) return output.error();
  return std::move(output->model);
}

}  // namespace gradmint::kernels
