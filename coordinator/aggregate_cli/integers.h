// What becomes of integer tensors (counters of a normalisation layer, say), which no rule averages.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "coordinator/aggregate_cli/tensor_file.h"
#include "coordinator/aggregate_cli/tensor_output.h"
#include "kernels/base/result.h"

namespace gradmint {

// max: each element the largest of all files'; first: the file's that was given first (with a
// model, the model's); drop: the result has none.
enum class IntegerRule { max, first, drop };
std::string integer_rule_name(IntegerRule rule);
Result<IntegerRule> parse_integer_rule(const std::string& name);

// The result's integer tensors, and what their bytes lie in.
struct MergedIntegers {
  std::vector<Bytes> held;  // of a maximum
  std::vector<OutputTensor> tensors;
};
// `files` have the same integer tensors, by name, dtype and shape (checked); the first of them is
// the one of `first`. They must outlive the result.
MergedIntegers merge_integers(std::span<const TensorFile* const> files, IntegerRule rule);

}  // namespace gradmint
