// What files must have in common to be combined: the same floating tensors with the same shapes,
// and the same integer tensors.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "coordinator/aggregate_cli/tensor_file.h"
#include "kernels/base/result.h"
#include "ledger/model/layout.h"

namespace gradmint {

// The floating tensors of a file in flattening order, buffers last (ledger/model/safetensors.h:
// layout_of). An Error names file and tensor: a dtype that cannot be combined, a layout that is not
// of these tensors, a pattern that names none.
Result<ModelLayout> layout_of(const TensorFile& file, std::span<const std::string> buffers = {});

// Whether integer tensors must be there with the same dtype and shape, or do not matter.
enum class Integers { alike, ignored };

// An Error with one line that names both files, the first tensor (bytewise) that only one has or
// that differs, and both shapes or dtypes.
Status check_same_tensors(const TensorFile& expected, const TensorFile& other, Integers integers);

// The integer tensors of a file, names ascending.
std::vector<SafetensorsTensor> integer_tensors(const TensorFile& file);

// The layout that all files share. Where metadata hold one, all that hold one must agree.
Result<ModelLayout> common_layout(std::span<const TensorFile* const> files,
                                  std::span<const std::string> buffers = {});

}  // namespace gradmint
