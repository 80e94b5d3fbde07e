#include "ledger/model/safetensors.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "kernels/base/check.h"
#include "ledger/json_input.h"
#include "ledger/json_text.h"
#include "ledger/model/buffers.h"
#include "ledger/model/float_decode.h"

namespace gradmint {
namespace {

static_assert(std::endian::native == std::endian::little, "fp32 vectors are copied as they lie");

constexpr const char* kLayoutKey = kSafetensorsLayoutKey;
constexpr std::uint64_t kSmallestFloatBytes = 2;  // BF16, F16
constexpr const char* kMetadataKey = "__metadata__";

Error bad_file(const std::string& what) { return {ErrorCode::corrupt, "safetensors: " + what}; }

struct Dtype {
  const char* name;
  std::uint64_t size_bytes;
  bool is_integer;
};
constexpr Dtype kDtypes[] = {{"F32", 4, false},  {"F64", 8, false},     {"F16", 2, false},
                             {"BF16", 2, false}, {"F8_E4M3", 1, false}, {"F8_E5M2", 1, false},
                             {"I64", 8, true},   {"I32", 4, true},      {"I16", 2, true},
                             {"I8", 1, true},    {"U64", 8, true},      {"U32", 4, true},
                             {"U16", 2, true},   {"U8", 1, true},       {"BOOL", 1, true}};

const Dtype* find_dtype(std::string_view name) {
  for (const Dtype& dtype : kDtypes)
    if (name == dtype.name) return &dtype;
  return nullptr;
}

Result<SafetensorsTensor> parse_tensor(const std::string& name, const nlohmann::json& entry,
                                       std::uint64_t data_bytes) {
  const std::string where = "tensor '" + name + "'";
  if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") ||
      !entry["dtype"].is_string() || !entry.contains("shape") || !entry.contains("data_offsets"))
    return bad_file(where + " needs dtype, shape and data_offsets");
  const auto shape = unsigned_list(entry["shape"]);
  const auto offsets = unsigned_list(entry["data_offsets"]);
  if (!shape || shape->size() > kMaxTensorRank) return bad_file(where + " has an unusable shape");
  if (!offsets || offsets->size() != 2 || (*offsets)[0] > (*offsets)[1] ||
      (*offsets)[1] > data_bytes)
    return bad_file(where + " has offsets outside the file");
  SafetensorsTensor tensor{name, entry["dtype"].get<std::string>(), *shape, (*offsets)[0],
                           (*offsets)[1]};
  const Dtype* dtype = find_dtype(tensor.dtype);
  if (dtype == nullptr) return bad_file(where + " has the unknown dtype '" + tensor.dtype + "'");
  std::uint64_t size = dtype->size_bytes;
  for (const std::uint64_t extent : tensor.shape) {
    if (extent != 0 && size > data_bytes / extent)
      return bad_file(where + " has a shape larger than the file");
    size *= extent;
  }
  if (size != tensor.end - tensor.begin)
    return bad_file(where + " has a shape that does not match its bytes");
  return tensor;
}

// The tensors' byte ranges must tile the data section.
Status check_tiling(const std::vector<SafetensorsTensor>& tensors, std::uint64_t data_bytes) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const SafetensorsTensor& tensor : tensors) ranges.emplace_back(tensor.begin, tensor.end);
  std::sort(ranges.begin(), ranges.end());
  std::uint64_t at = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin != at) return bad_file("tensors overlap or leave a gap in the data");
    at = end;
  }
  if (at != data_bytes) return bad_file("there are bytes that belong to no tensor");
  return {};
}

Status parse_metadata(const nlohmann::json& entry, std::map<std::string, std::string>& metadata) {
  if (!entry.is_object()) return bad_file("__metadata__ is not an object");
  for (const auto& [key, value] : entry.items()) {
    if (!value.is_string()) return bad_file("__metadata__ holds a value that is not text");
    metadata[key] = value.get<std::string>();
  }
  return {};
}

void copy_values(std::span<const std::uint8_t> file, const SafetensorsHeader& header,
                 const SafetensorsTensor& tensor, float* to) {
  if (tensor.begin == tensor.end) return;  // memcpy wants no null pointers
  const auto bytes = file.subspan(header.data_offset + tensor.begin, tensor.end - tensor.begin);
  if (tensor.dtype == "F32") {
    std::memcpy(to, bytes.data(), bytes.size());
  } else {
    decode_floats(tensor.dtype, bytes, {to, bytes.size() / dtype_size_bytes(tensor.dtype)});
  }
}

// The federated tensors of a file, its running statistics as buffers; integer ones are left out.
Result<std::vector<TensorSpec>> federated_tensors(const SafetensorsHeader& header) {
  std::vector<TensorSpec> specs;
  for (const SafetensorsTensor& tensor : header.tensors) {
    if (find_dtype(tensor.dtype)->is_integer) continue;
    if (!is_decodable(tensor.dtype))
      return Error{ErrorCode::unsupported, "safetensors: tensor '" + tensor.name + "' is " +
                                               tensor.dtype + "; save it as F32, BF16 or F16"};
    specs.push_back({tensor.name, tensor.shape, is_running_statistic(tensor.name)});
  }
  return specs;
}

const SafetensorsTensor* find_tensor(const SafetensorsHeader& header, const std::string& name) {
  const auto found = std::lower_bound(
      header.tensors.begin(), header.tensors.end(), name,
      [](const SafetensorsTensor& tensor, const std::string& key) { return tensor.name < key; });
  return found == header.tensors.end() || found->name != name ? nullptr : &*found;
}

Result<std::vector<float>> gather(std::span<const std::uint8_t> file,
                                  const SafetensorsHeader& header, const ModelLayout& layout) {
  Result<std::vector<TensorSpec>> present = federated_tensors(header);
  if (!present) return present.error();
  std::set<std::string_view> known;
  for (const TensorSpec& spec : layout.tensors()) known.insert(spec.name);
  for (const TensorSpec& tensor : *present) {
    if (!known.contains(tensor.name))
      return bad_file("tensor '" + tensor.name + "' is not part of this model");
  }
  std::vector<float> values(layout.value_count());
  std::uint64_t at = 0;
  for (const TensorSpec& spec : layout.tensors()) {
    const SafetensorsTensor* tensor = find_tensor(header, spec.name);
    if (tensor == nullptr) return bad_file("tensor '" + spec.name + "' is missing");
    if (!is_decodable(tensor->dtype))
      return bad_file("tensor '" + spec.name + "' is " + tensor->dtype +
                      ", of this model it is floating");
    if (tensor->shape != spec.shape)
      return bad_file("tensor '" + spec.name + "' has shape " + shape_text(tensor->shape) +
                      ", this model has " + shape_text(spec.shape));
    copy_values(file, header, *tensor, values.data() + at);
    at += spec.element_count();
  }
  return values;
}

}  // namespace

bool is_integer_dtype(std::string_view dtype) {
  const Dtype* const known = find_dtype(dtype);
  GRADMINT_CHECK(known != nullptr);
  return known->is_integer;
}

std::uint64_t dtype_size_bytes(std::string_view dtype) {
  const Dtype* const known = find_dtype(dtype);
  GRADMINT_CHECK(known != nullptr);
  return known->size_bytes;
}

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i)
    text += (i == 0 ? "" : ",") + std::to_string(shape[i]);
  return text + "]";
}

Result<SafetensorsHeader> parse_safetensors(std::span<const std::uint8_t> file) {
  if (file.size() < 8) return bad_file("the file is shorter than 8 bytes");
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, file.data(), 8);
  if (header_bytes > kMaxSafetensorsHeaderBytes)
    return bad_file("the header is larger than 16 MiB; is this a safetensors file?");
  if (header_bytes > file.size() - 8) return bad_file("the file ends inside its header");
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + 8, header_bytes);
  if (text.empty() || text.front() != '{') return bad_file("the header is not a JSON object");
  const Result<nlohmann::json> parsed = parse_untrusted_json(text);
  if (!parsed) return bad_file("the header is " + parsed.error().message);
  SafetensorsHeader header;
  header.data_offset = 8 + header_bytes;
  const std::uint64_t data_bytes = file.size() - header.data_offset;
  for (const auto& [name, entry] : parsed->items()) {  // nlohmann keeps keys bytewise ascending
    if (name == kMetadataKey) {
      if (Status status = parse_metadata(entry, header.metadata); !status) return status.error();
      continue;
    }
    Result<SafetensorsTensor> tensor = parse_tensor(name, entry, data_bytes);
    if (!tensor) return tensor.error();
    header.tensors.push_back(*std::move(tensor));
  }
  if (Status status = check_tiling(header.tensors, data_bytes); !status) return status.error();
  return header;
}

Result<ModelLayout> layout_of(const SafetensorsHeader& header,
                              std::span<const std::string> buffers) {
  std::vector<TensorSpec> specs;
  if (const auto layout = header.metadata.find(kLayoutKey); layout != header.metadata.end()) {
    Result<ModelLayout> decoded = ModelLayout::decode(layout->second);
    if (!decoded || buffers.empty()) return decoded;
    specs = decoded->tensors();
  } else {
    Result<std::vector<TensorSpec>> federated = federated_tensors(header);
    if (!federated) return federated.error();
    specs = *std::move(federated);
  }
  if (Status marked = mark_buffers(buffers, specs); !marked) return marked.error();
  return ModelLayout::create(std::move(specs));
}

Result<LoadedModel> read_safetensors(std::span<const std::uint8_t> file,
                                     std::span<const std::string> buffers) {
  Result<SafetensorsHeader> header = parse_safetensors(file);
  if (!header) return header.error();
  LoadedModel model;
  Result<ModelLayout> layout = layout_of(*header, buffers);
  if (!layout) return layout.error();
  model.layout = *std::move(layout);
  // The data must hold what a layout in the metadata promises before memory is taken for it.
  if (model.layout.value_count() > (file.size() - header->data_offset) / kSmallestFloatBytes)
    return bad_file("the layout in the metadata names more values than the file holds");
  Result<std::vector<float>> values = gather(file, *header, model.layout);
  if (!values) return values.error();
  model.parameters = *std::move(values);
  model.metadata = std::move(header->metadata);
  return model;
}

Result<std::vector<float>> read_safetensors_as(std::span<const std::uint8_t> file,
                                               const ModelLayout& expected) {
  Result<SafetensorsHeader> header = parse_safetensors(file);
  if (!header) return header.error();
  Result<std::vector<float>> values = gather(file, *header, expected);
  if (!values) return values;
  std::uint64_t at = 0;
  for (const TensorSpec& spec : expected.tensors()) {
    for (std::uint64_t i = 0; i < spec.element_count(); ++i)
      if (!std::isfinite((*values)[at + i]))
        return bad_file("tensor '" + spec.name + "' holds a value that is not finite");
    at += spec.element_count();
  }
  return values;
}

std::vector<std::uint8_t> safetensors_prefix(std::span<const SafetensorsTensor> tensors,
                                             const std::map<std::string, std::string>& metadata) {
  nlohmann::json header;
  header[kMetadataKey] = metadata;
  for (const SafetensorsTensor& tensor : tensors)
    header[tensor.name] = {{"data_offsets", {tensor.begin, tensor.end}},
                           {"dtype", tensor.dtype},
                           {"shape", tensor.shape}};
  std::string text = json_text(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::vector<std::uint8_t> prefix(8 + text.size());
  const std::uint64_t header_bytes = text.size();
  std::memcpy(prefix.data(), &header_bytes, 8);
  std::memcpy(prefix.data() + 8, text.data(), text.size());
  return prefix;
}

std::vector<std::uint8_t> write_safetensors(const ModelLayout& layout,
                                            std::span<const float> parameters,
                                            const std::map<std::string, std::string>& metadata) {
  GRADMINT_CHECK(parameters.size() == layout.value_count());
  std::map<std::string, std::string> all = metadata;
  all[kLayoutKey] = layout.encode();
  std::vector<SafetensorsTensor> tensors;
  std::uint64_t at = 0;
  for (const TensorSpec& spec : layout.tensors()) {
    const std::uint64_t end = at + spec.element_count() * sizeof(float);
    tensors.push_back({spec.name, "F32", spec.shape, at, end});
    at = end;
  }
  std::vector<std::uint8_t> file = safetensors_prefix(tensors, all);
  const std::size_t prefix_bytes = file.size();
  file.resize(prefix_bytes + parameters.size() * sizeof(float));
  std::memcpy(file.data() + prefix_bytes, parameters.data(), parameters.size() * sizeof(float));
  return file;
}

std::vector<std::uint8_t> encode_flat_fp32(std::span<const float> values) {
  std::vector<std::uint8_t> bytes(values.size() * sizeof(float));
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

Result<std::vector<float>> decode_flat_fp32(std::span<const std::uint8_t> bytes) {
  if (bytes.size() % sizeof(float) != 0)
    return Error{ErrorCode::corrupt, "a flat fp32 vector of " + std::to_string(bytes.size()) +
                                         " bytes is not a multiple of 4"};
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace gradmint
