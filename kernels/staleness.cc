#include "kernels/staleness.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "kernels/combination.h"
#include "kernels/parallel.h"

namespace gradmint::kernels {
namespace {

constexpr StalenessDiscount kDiscounts[] = {StalenessDiscount::none, StalenessDiscount::square_root,
                                            StalenessDiscount::reciprocal};

double discounted(double examples, double age, StalenessDiscount discount) {
  switch (discount) {
    case StalenessDiscount::square_root:
      return examples / std::sqrt(age);
    case StalenessDiscount::reciprocal:
      return examples / age;
    case StalenessDiscount::none:
      break;
  }
  return examples;
}

}  // namespace

std::string_view name_of(StalenessDiscount discount) {
  switch (discount) {
    case StalenessDiscount::square_root:
      return "square_root";
    case StalenessDiscount::reciprocal:
      return "reciprocal";
    case StalenessDiscount::none:
      break;
  }
  return "none";
}

std::optional<StalenessDiscount> staleness_discount(std::string_view name) {
  for (const StalenessDiscount each : kDiscounts) {
    if (name == name_of(each)) return each;
  }
  return std::nullopt;
}

Result<std::vector<std::uint32_t>> staleness_weights(std::span<const std::uint64_t> examples,
                                                     std::span<const std::uint64_t> staleness,
                                                     StalenessDiscount discount) {
  if (examples.empty()) {
    return Error{ErrorCode::bad_input, "staleness: no update was given: at least one is needed"};
  }
  if (examples.size() != staleness.size()) {
    return Error{ErrorCode::bad_input, "staleness: " + std::to_string(examples.size()) +
                                           " counts of examples and " +
                                           std::to_string(staleness.size()) + " ages"};
  }
  const ExactFloats exact;
  Combination combination;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    if (examples[i] == 0) {
      return Error{ErrorCode::bad_input, "staleness: update " + std::to_string(i) +
                                             " has no examples: at least one is needed"};
    }
    combination.coefficients.push_back(discounted(
        static_cast<double>(examples[i]), static_cast<double>(staleness[i]) + 1.0, discount));
  }
  std::vector<std::uint32_t> weights = whole_weights(combination, false).weights;
  for (std::uint32_t& weight : weights) weight = std::max<std::uint32_t>(weight, 1);
  return weights;
}

}  // namespace gradmint::kernels
