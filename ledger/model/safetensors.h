// safetensors: u64 little-endian header length, a JSON header, then the tensors' bytes. Reader and
// writer over bytes; the reader trusts nothing: the header's length is capped, offsets must lie
// inside the file and cover it without gap or overlap, a shape must match its bytes, names may not
// repeat. Floating tensors are F32, BF16 or F16 (widened, which is exact); any other dtype is
// refused by its name and the tensor's. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/base/result.h"
#include "ledger/model/layout.h"

namespace gradmint {

inline constexpr std::uint64_t kMaxSafetensorsHeaderBytes = 16ULL << 20;

// Where write_safetensors keeps the layout in the metadata.
inline constexpr const char* kSafetensorsLayoutKey = "gradmint.layout";

struct SafetensorsTensor {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0;  // offsets into the data section, in bytes
  std::uint64_t end = 0;
};

struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::vector<SafetensorsTensor> tensors;  // names ascending, bytewise
  std::uint64_t data_offset = 0;           // where the data section starts in the file
};

// The model in a file: flat values in layout order, and the layout itself.
struct LoadedModel {
  ModelLayout layout;
  std::vector<float> parameters;
  std::map<std::string, std::string> metadata;
};

// Of a dtype that parse_safetensors accepts (checked). BOOL counts as an integer.
bool is_integer_dtype(std::string_view dtype);
std::uint64_t dtype_size_bytes(std::string_view dtype);

// "[3,4]".
std::string shape_text(const std::vector<std::uint64_t>& shape);

// Checks the whole structure of a file (not the values).
Result<SafetensorsHeader> parse_safetensors(std::span<const std::uint8_t> file);

// A file's own layout: from its metadata ("gradmint.layout", written by write_safetensors) or, for
// a file of other origin, running statistics as buffers and the rest as parameters
// (ledger/model/buffers.h). Tensors that `buffers` (patterns) name are buffers too.
Result<ModelLayout> layout_of(const SafetensorsHeader& header,
                              std::span<const std::string> buffers = {});

// The model in that layout. Values may be anything, NaN included.
Result<LoadedModel> read_safetensors(std::span<const std::uint8_t> file,
                                     std::span<const std::string> buffers = {});

// The file's values in the order of `expected`: refuses missing, extra or differently shaped
// tensors by name, and values that are not finite (a model on the ledger is finite everywhere).
Result<std::vector<float>> read_safetensors_as(std::span<const std::uint8_t> file,
                                               const ModelLayout& expected);

// parameters.size() == layout.value_count() is the caller's duty. The result is a function of
// the arguments alone: keys sorted, header padded with spaces to 8 bytes.
std::vector<std::uint8_t> write_safetensors(
    const ModelLayout& layout, std::span<const float> parameters,
    const std::map<std::string, std::string>& metadata = {});

// Everything before a file's data: the header's length and the header, padded with spaces to 8
// bytes. The tensors' offsets must tile the data (the caller's duty), in any order of names.
std::vector<std::uint8_t> safetensors_prefix(std::span<const SafetensorsTensor> tensors,
                                             const std::map<std::string, std::string>& metadata);

// The flat vector as the ledger's model blob: fp32, little endian, nothing else.
std::vector<std::uint8_t> encode_flat_fp32(std::span<const float> values);
Result<std::vector<float>> decode_flat_fp32(std::span<const std::uint8_t> bytes);

}  // namespace gradmint
