// Weights of updates that arrive rounds late (buffered asynchronous rounds): Nguyen et al.,
// "Federated learning with buffered asynchronous aggregation" (FedBuff), 2022.
//
//   none         a_i = examples_i
//   square_root  a_i = examples_i / sqrt(1 + staleness_i)   (FedBuff)
//   reciprocal   a_i = examples_i / (1 + staleness_i)
//
// where staleness counts the rounds between the model that a worker trained on and the one that its
// update meets. Computed in fp64 with * / and sqrt alone. Where every a_i is a whole number of at
// most 2^24, those are the weights; otherwise round to nearest even(a_i / a_max * 2^24), at
// least 1.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "kernels/base/result.h"

namespace gradmint::kernels {

enum class StalenessDiscount { none, square_root, reciprocal };

std::string_view name_of(StalenessDiscount discount);
// Nothing where no discount has that name.
std::optional<StalenessDiscount> staleness_discount(std::string_view name);

// One weight in [1, kMaxWeight] (fixed_point.h) per update. An Error where there is no update, the
// two lists differ in length, or an update has no examples.
Result<std::vector<std::uint32_t>> staleness_weights(std::span<const std::uint64_t> examples,
                                                     std::span<const std::uint64_t> staleness,
                                                     StalenessDiscount discount);

}  // namespace gradmint::kernels
