// A server optimizer's state as a safetensors file: the first moments of every tensor as
// "first.<name>", the second ones as "second.<name>", and the optimizer's name in the metadata.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "coordinator/aggregate_cli/tensor_file.h"
#include "coordinator/aggregate_cli/tensor_output.h"
#include "kernels/base/result.h"

namespace gradmint {

// The state of `optimizer` for a model of that layout: `moments` values for each of the model's.
// An Error names the file and what of it belongs to another model or optimizer.
Result<FlatValues> load_state(const TensorFile& file, const std::string& optimizer,
                              std::size_t moments, const ModelLayout& layout,
                              const std::filesystem::path& scratch);

// `state` is the moments of all values, one after the other (kernels/aggregate_spec.h).
Result<PendingFile> write_state(const std::filesystem::path& file, const std::string& optimizer,
                                const ModelLayout& layout, std::span<const float> state);

}  // namespace gradmint
