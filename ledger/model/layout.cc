#include "ledger/model/layout.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>

#include "kernels/base/text.h"
#include "ledger/json_input.h"
#include "ledger/json_text.h"

namespace gradmint {
namespace {

constexpr const char* kFormat = "gradmint/layout/v1";

Error bad_layout(const std::string& what) {
  return {ErrorCode::bad_input, "model layout: " + what};
}

Result<std::uint64_t> checked_count(const TensorSpec& tensor) {
  std::uint64_t count = 1;
  for (const std::uint64_t extent : tensor.shape) {
    if (extent != 0 && count > kMaxParameterCount / extent)
      return bad_layout("tensor '" + tensor.name + "' has too many elements");
    count *= extent;
  }
  return count;
}

Status check_tensor(const TensorSpec& tensor) {
  if (tensor.name.empty() || tensor.name.size() > kMaxTensorNameBytes)
    return bad_layout("a tensor's name must have 1 to 512 bytes");
  if (tensor.name == "__metadata__")
    return bad_layout("a tensor may not be called __metadata__ (safetensors keeps that name)");
  if (!is_clean_text(tensor.name))
    return bad_layout("a tensor's name must be UTF-8 text without control characters");
  if (tensor.shape.size() > kMaxTensorRank)
    return bad_layout("tensor '" + tensor.name + "' has more than 8 dimensions");
  return {};
}

}  // namespace

std::uint64_t TensorSpec::element_count() const {
  std::uint64_t count = 1;
  for (const std::uint64_t extent : shape) count *= extent;
  return count;
}

std::string describe(const ModelSize& size) {
  const std::string parameters = std::to_string(size.parameters) + " parameters";
  return size.buffers == 0
             ? parameters
             : parameters + " and " + std::to_string(size.buffers) + " values of buffers";
}

Result<ModelLayout> ModelLayout::create(std::vector<TensorSpec> tensors) {
  if (tensors.empty()) return bad_layout("there are no tensors");
  if (tensors.size() > kMaxLayoutTensors) return bad_layout("there are more than 65536 tensors");
  std::vector<std::string> names;
  ModelSize size;
  for (const TensorSpec& tensor : tensors) {
    if (Status status = check_tensor(tensor); !status) return status.error();
    Result<std::uint64_t> count = checked_count(tensor);
    if (!count) return count.error();
    // At most kMaxLayoutTensors · kMaxParameterCount = 2^56.
    (tensor.is_buffer ? size.buffers : size.parameters) += *count;
    names.push_back(tensor.name);
  }
  if (size.values() > kMaxParameterCount) return bad_layout("there are too many parameters");
  if (size.values() == 0) return bad_layout("all tensors are empty");
  if (size.parameters == 0) return bad_layout("all tensors are buffers: there is nothing to train");
  std::sort(names.begin(), names.end());
  if (const auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end())
    return bad_layout("tensor '" + *twice + "' is there twice");
  std::sort(tensors.begin(), tensors.end(), [](const TensorSpec& a, const TensorSpec& b) {
    return std::tie(a.is_buffer, a.name) < std::tie(b.is_buffer, b.name);
  });
  ModelLayout layout;
  layout.tensors_ = std::move(tensors);
  layout.size_ = size;
  return layout;
}

std::string ModelLayout::encode() const {
  nlohmann::json tensors = nlohmann::json::array();
  for (const TensorSpec& tensor : tensors_)
    tensors.push_back(
        {{"buffer", tensor.is_buffer}, {"name", tensor.name}, {"shape", tensor.shape}});
  return json_text(nlohmann::json{{"format", kFormat}, {"tensors", std::move(tensors)}});
}

Result<ModelLayout> ModelLayout::decode(std::string_view text) {
  if (text.size() > kMaxLayoutBytes) return bad_layout("the text is larger than 64 MiB");
  const Result<nlohmann::json> parsed = parse_untrusted_json(text);
  if (!parsed) return bad_layout("the text is " + parsed.error().message);
  if (!parsed->is_object()) return bad_layout("the text is not a JSON object");
  const auto format = parsed->find("format");
  if (format == parsed->end() || *format != kFormat)
    return bad_layout(std::string("its format is not ") + kFormat);
  const auto listed = parsed->find("tensors");
  if (listed == parsed->end() || !listed->is_array()) return bad_layout("it lists no tensors");
  std::vector<TensorSpec> tensors;
  for (const nlohmann::json& entry : *listed) {
    if (!entry.is_object() || !entry.contains("name") || !entry["name"].is_string() ||
        !entry.contains("buffer") || !entry["buffer"].is_boolean() || !entry.contains("shape"))
      return bad_layout("a tensor needs buffer, name and shape");
    const std::optional<std::vector<std::uint64_t>> shape = unsigned_list(entry["shape"]);
    if (!shape) return bad_layout("a shape is a list of whole numbers");
    tensors.push_back({entry["name"].get<std::string>(), *shape, entry["buffer"].get<bool>()});
  }
  Result<ModelLayout> layout = create(std::move(tensors));
  if (!layout) return layout;
  if (layout->encode() != text) return bad_layout("the text is not canonical");
  return layout;
}

}  // namespace gradmint
