// aggregate() on every backend against the reference, byte for byte.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/aggregate.h"
#include "tests/kernels/samples.h"

namespace gradmint::test {

// "clip+nnm krum plain", for CAPTURE.
std::string describe(const kernels::AggregateSpec& spec);

// Returns how many comparisons were made. A result that is not finite must be an Error.
int compare_with_reference(const kernels::AggregateSpec& spec, const Sample& sample,
                           const std::vector<std::unique_ptr<kernels::Backend>>& all);

}  // namespace gradmint::test
