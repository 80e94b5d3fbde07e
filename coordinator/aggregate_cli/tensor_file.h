// A safetensors file that is mapped, and its floating tensors as one flat vector in mapped memory:
// the file's own bytes where they already are that vector, else a temporary file without a name
// that they are converted to, as fp32, through a bounded buffer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/base/result.h"
#include "kernels/encoding.h"
#include "ledger/blobs.h"
#include "ledger/model/layout.h"
#include "ledger/model/safetensors.h"

namespace gradmint {

struct TensorFile {
  std::filesystem::path path;
  MappedFile mapping;
  SafetensorsHeader header;

  ByteView bytes_of(const SafetensorsTensor& tensor) const;
  // nullptr where there is none.
  const SafetensorsTensor* find(const std::string& name) const;
  std::string quoted() const { return "'" + path.string() + "'"; }
};

// Errors name the file.
Result<TensorFile> open_tensor_file(const std::filesystem::path& path);

// Lets the pages go that hold these bytes of a mapping; they come back from the file when they are
// looked at again. Memory then does not grow with what has been read.
void release_pages(ByteView bytes);

// Says that these bytes will be read soon and in order, and makes them a window of the mapping:
// the system fetches whole large pages around what is looked at, but none beyond a window.
// release_pages of the same bytes ends it.
void open_window(ByteView bytes);

// A tensor's place in a flat vector, by name.
struct FlatPlace {
  std::string name;
  std::uint64_t count = 0;
  bool is_buffer = false;
};
std::vector<FlatPlace> places_of(const ModelLayout& layout);

// Whether tensors that are all BF16 or all F16 may stay as they are.
enum class Halves { kept, converted };

class FlatValues {
 public:
  // The tensors of `places`, which must be in the file with these counts and be decodable
  // (checked). An Error names file and tensor where a value is not finite, and says when the
  // temporary file in `scratch` (a directory) could not be written. `file` must outlive the object.
  static Result<FlatValues> from(const TensorFile& file, std::span<const FlatPlace> places,
                                 const std::filesystem::path& scratch,
                                 Halves halves = Halves::converted);

  const kernels::Row& row() const { return row_; }
  ByteView bytes() const;  // of the row
  // Only where halves are not kept (checked).
  std::span<const float> values() const;
  // Of the parameters' largest magnitude (kernels/fixed_point.h).
  int exponent() const { return exponent_; }
  bool is_converted() const { return converted_.has_value(); }

 private:
  FlatValues() = default;
  std::optional<MappedFile> converted_;
  kernels::Row row_;
  int exponent_ = 0;
};

}  // namespace gradmint
