#include "coordinator/aggregate_cli/agreement.h"

#include <algorithm>

#include "ledger/model/float_decode.h"
#include "ledger/model/safetensors.h"

namespace gradmint {
namespace {

Error bad(std::string message) { return {ErrorCode::bad_input, std::move(message)}; }

bool has_layout(const TensorFile& file) {
  return file.header.metadata.contains(kSafetensorsLayoutKey);
}

Status check_dtypes(const TensorFile& file) {
  for (const SafetensorsTensor& tensor : file.header.tensors) {
    if (is_integer_dtype(tensor.dtype) || is_decodable(tensor.dtype)) continue;
    return Error{ErrorCode::unsupported, file.quoted() + ": tensor '" + tensor.name + "' is " +
                                             tensor.dtype + "; save it as F32, BF16 or F16"};
  }
  return {};
}

std::size_t floating_tensors(const TensorFile& file) {
  return static_cast<std::size_t>(
      std::count_if(file.header.tensors.begin(), file.header.tensors.end(),
                    [](const auto& tensor) { return !is_integer_dtype(tensor.dtype); }));
}

// The layout says which tensors are buffers; it must be of the tensors that are there.
Status check_layout(const TensorFile& file, const ModelLayout& layout) {
  for (const TensorSpec& spec : layout.tensors()) {
    const SafetensorsTensor* const present = file.find(spec.name);
    if (present == nullptr || is_integer_dtype(present->dtype) || present->shape != spec.shape) {
      return bad(file.quoted() + ": the layout in its metadata has tensor '" + spec.name + "' " +
                 shape_text(spec.shape) + ", the file does not");
    }
  }
  if (floating_tensors(file) == layout.tensors().size()) return {};
  return bad(file.quoted() + ": holds tensors that the layout in its metadata does not know");
}

Error only_in(const TensorFile& has, const TensorFile& lacks, const SafetensorsTensor& tensor) {
  return bad(lacks.quoted() + ": has no tensor '" + tensor.name + "', which " + has.quoted() +
             " has with shape " + shape_text(tensor.shape));
}

std::vector<const SafetensorsTensor*> compared_tensors(const TensorFile& file, Integers integers) {
  std::vector<const SafetensorsTensor*> compared;
  for (const SafetensorsTensor& tensor : file.header.tensors) {
    if (integers == Integers::alike || !is_integer_dtype(tensor.dtype)) compared.push_back(&tensor);
  }
  return compared;
}

Status check_same_tensor(const TensorFile& expected, const SafetensorsTensor& a,
                         const TensorFile& other, const SafetensorsTensor& b) {
  const std::string where = other.quoted() + ": tensor '" + b.name + "' ";
  if (a.shape != b.shape) {
    return bad(where + "has shape " + shape_text(b.shape) + ", in " + expected.quoted() +
               " it has " + shape_text(a.shape));
  }
  const bool integers = is_integer_dtype(a.dtype) || is_integer_dtype(b.dtype);
  if (integers && a.dtype != b.dtype) {
    return bad(where + "is " + b.dtype + ", in " + expected.quoted() + " it is " + a.dtype);
  }
  return {};
}

}  // namespace

Result<ModelLayout> layout_of(const TensorFile& file, std::span<const std::string> buffers) {
  if (const Status dtypes = check_dtypes(file); !dtypes.ok()) return dtypes.error();
  auto layout = layout_of(file.header, buffers);
  if (!layout.ok()) {
    return Error{layout.error().code, file.quoted() + ": " + layout.error().message};
  }
  if (const Status fits = check_layout(file, *layout); !fits.ok()) return fits.error();
  return layout;
}

Status check_same_tensors(const TensorFile& expected, const TensorFile& other, Integers integers) {
  const auto left = compared_tensors(expected, integers);
  const auto right = compared_tensors(other, integers);
  // Both ascend by name, so the first difference is found as in merging them.
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < left.size() || j < right.size()) {
    if (j == right.size() || (i < left.size() && left[i]->name < right[j]->name)) {
      return only_in(expected, other, *left[i]);
    }
    if (i == left.size() || right[j]->name < left[i]->name) {
      return only_in(other, expected, *right[j]);
    }
    const Status same = check_same_tensor(expected, *left[i++], other, *right[j++]);
    if (!same.ok()) return same;
  }
  return {};
}

std::vector<SafetensorsTensor> integer_tensors(const TensorFile& file) {
  std::vector<SafetensorsTensor> integers;
  for (const SafetensorsTensor& tensor : file.header.tensors) {
    if (is_integer_dtype(tensor.dtype)) integers.push_back(tensor);
  }
  return integers;
}

Result<ModelLayout> common_layout(std::span<const TensorFile* const> files,
                                  std::span<const std::string> buffers) {
  const TensorFile* chosen = files.front();
  for (const TensorFile* file : files) {
    if (!has_layout(*file)) continue;
    if (!has_layout(*chosen)) chosen = file;
    if (file->header.metadata.at(kSafetensorsLayoutKey) !=
        chosen->header.metadata.at(kSafetensorsLayoutKey)) {
      return bad(file->quoted() + ": its layout (which tensors are buffers) is not the one of " +
                 chosen->quoted());
    }
  }
  for (const TensorFile* file : files) {
    if (const auto layout = layout_of(*file, buffers); !layout.ok()) return layout.error();
  }
  return layout_of(*chosen, buffers);
}

}  // namespace gradmint
