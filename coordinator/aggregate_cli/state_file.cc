#include "coordinator/aggregate_cli/state_file.h"

#include <array>

#include "kernels/base/check.h"

namespace gradmint {
namespace {

constexpr std::array<const char*, 2> kMoments = {"first.", "second."};
constexpr const char* kOptimizerKey = "gradmint.optimizer";

Error bad(const TensorFile& file, const std::string& what) {
  return {ErrorCode::bad_input, file.quoted() + ": " + what};
}

}  // namespace

Result<FlatValues> load_state(const TensorFile& file, const std::string& optimizer,
                              std::size_t moments, const ModelLayout& layout,
                              const std::filesystem::path& scratch) {
  GRADMINT_CHECK(moments <= kMoments.size());
  const auto named = file.header.metadata.find(kOptimizerKey);
  if (named == file.header.metadata.end()) {
    return bad(file, "is no optimizer's state: its metadata name no optimizer");
  }
  if (named->second != optimizer) {
    return bad(file, "is a state of optimizer '" + named->second + "', not of '" + optimizer + "'");
  }
  std::vector<FlatPlace> places;
  for (std::size_t k = 0; k < moments; ++k) {
    for (const TensorSpec& spec : layout.tensors()) {
      if (spec.is_buffer) continue;  // no optimizer touches it
      const std::string name = kMoments[k] + spec.name;
      const SafetensorsTensor* const tensor = file.find(name);
      if (tensor == nullptr) return bad(file, "has no tensor '" + name + "'");
      if (tensor->dtype != "F32" || tensor->shape != spec.shape) {
        return bad(file, "tensor '" + name + "' is " + tensor->dtype + " with shape " +
                             shape_text(tensor->shape) + ", this model needs F32 " +
                             shape_text(spec.shape));
      }
      places.push_back({name, spec.element_count()});
    }
  }
  if (file.header.tensors.size() != places.size()) {
    return bad(file, "holds tensors that are not of this model's state");
  }
  return FlatValues::from(file, places, scratch);
}

Result<PendingFile> write_state(const std::filesystem::path& file, const std::string& optimizer,
                                const ModelLayout& layout, std::span<const float> state) {
  std::vector<OutputTensor> tensors;
  const ByteView bytes(reinterpret_cast<const std::uint8_t*>(state.data()), state.size_bytes());
  std::uint64_t at = 0;
  for (std::size_t k = 0; at < bytes.size(); ++k) {
    for (const TensorSpec& spec : layout.tensors()) {
      if (spec.is_buffer) continue;
      const std::uint64_t size = spec.element_count() * sizeof(float);
      tensors.push_back({kMoments.at(k) + spec.name, "F32", spec.shape, bytes.subspan(at, size)});
      at += size;
    }
  }
  return write_tensors(file, std::move(tensors), {{kOptimizerKey, optimizer}});
}

}  // namespace gradmint
