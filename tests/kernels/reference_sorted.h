// Order statistics that keep several values, and mixed rows, written for clarity and nothing else
// (see reference.h). `clips` may be empty: every factor 1. `shift` is s of the sums.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tests/kernels/reference.h"

namespace gradmint::test {

struct ReferenceKept {
  std::vector<float> mean;
  std::vector<std::uint64_t> outside;  // per row: values strictly outside what was kept
};

// Without the `dropped` lowest and the `dropped` highest values of each coordinate.
ReferenceKept reference_trimmed_mean(const Updates& updates, std::span<const double> clips,
                                     std::size_t dropped, int shift);

// The `kept` values nearest to the median of each coordinate; ties stay with the lower value.
ReferenceKept reference_nearest_to_median(const Updates& updates, std::span<const double> clips,
                                          std::size_t kept, int shift);

// Row i: the mean of all updates but excluded[i].
Updates reference_mixed(const Updates& updates, std::span<const double> clips,
                        const std::vector<std::vector<std::uint32_t>>& excluded, int shift);

}  // namespace gradmint::test
