#include "worker/data/dataset.h"

#include <cstring>

#include "kernels/base/check.h"
#include "worker/data/parse.h"

namespace gradmint {

Dataset select_rows(const Dataset& from, std::span<const std::uint32_t> indices) {
  Dataset to;
  to.name = from.name;
  to.task = from.task;
  to.sample_shape = from.sample_shape;
  to.classes = from.classes;
  to.schema = from.schema;
  to.contract = from.contract;
  to.remarks = from.remarks;
  const std::uint64_t columns = from.columns();
  to.features.reserve(indices.size() * columns);
  for (const std::uint32_t row : indices) {
    GRADMINT_CHECK(row < from.rows());
    const auto begin = from.features.begin() + static_cast<std::ptrdiff_t>(row * columns);
    to.features.insert(to.features.end(), begin, begin + static_cast<std::ptrdiff_t>(columns));
    if (from.task == Task::classification)
      to.labels.push_back(from.labels[row]);
    else
      to.targets.push_back(from.targets[row]);
  }
  return to;
}

DataContract image_contract(const Dataset& data) {
  DataContract contract;
  contract.kind = DataKind::image;
  contract.classes = data.classes;
  contract.shape = data.sample_shape;
  return contract;
}

Status check_images(const Dataset& data, const std::optional<DataContract>& contract) {
  if (!contract || *contract == data.contract) return {};
  return Error{ErrorCode::bad_input, data.name + ": " + describe(data.contract) +
                                         "; the federation's data contract is " +
                                         describe(*contract)};
}

Bytes sample_bytes(const Dataset& data, std::uint64_t row) {
  GRADMINT_CHECK(row < data.rows());
  const std::uint64_t columns = data.columns();
  Bytes bytes((columns + 1) * 4);
  std::memcpy(bytes.data(), data.features.data() + row * columns, columns * 4);
  const void* answer = data.task == Task::classification
                           ? static_cast<const void*>(&data.labels[row])
                           : static_cast<const void*>(&data.targets[row]);
  std::memcpy(bytes.data() + columns * 4, answer, 4);
  return bytes;
}

}  // namespace gradmint
