// The layout of a federated model: which tensors there are, in which order they lie in the flat
// fp32 vector that the ledger names, and which of them are buffers. Order (design: the numeric
// law): parameters bytewise by name, then floating buffers bytewise by name. Integer buffers are
// not federated and have no place here. Its bytes are a content-addressed blob, so they are
// canonical: compact JSON with sorted keys, one text for one layout. Pure and immutable after
// create(); safe to share between threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/base/result.h"

namespace gradmint {

inline constexpr std::uint64_t kMaxLayoutTensors = 65536;
inline constexpr std::uint64_t kMaxTensorNameBytes = 512;
inline constexpr std::uint64_t kMaxTensorRank = 8;
inline constexpr std::uint64_t kMaxParameterCount = 1ULL << 40;
inline constexpr std::uint64_t kMaxLayoutBytes = 64ULL << 20;

struct TensorSpec {
  std::string name;
  std::vector<std::uint64_t> shape;  // empty: a scalar, one element
  bool is_buffer = false;

  // Product of the shape. Meaningful only once a ModelLayout accepted the tensor (no overflow).
  std::uint64_t element_count() const;
  bool operator==(const TensorSpec&) const = default;
};

// How long a flat vector is: parameters come first, buffers behind them.
struct ModelSize {
  std::uint64_t parameters = 0;
  std::uint64_t buffers = 0;
  std::uint64_t values() const { return parameters + buffers; }
  bool operator==(const ModelSize&) const = default;
};
// "650 parameters", "650 parameters and 16 values of buffers".
std::string describe(const ModelSize& size);

class ModelLayout {
 public:
  ModelLayout() = default;

  // Puts the tensors in canonical order. Refuses: no tensors, too many, a name that is empty, too
  // long, not clean UTF-8 (kernels/base/text.h), or given twice; a rank above the limit; more
  // elements than the limit; no element that is a parameter's.
  static Result<ModelLayout> create(std::vector<TensorSpec> tensors);

  // Accepts exactly the texts encode() gives: encode(decode(x)) == x.
  static Result<ModelLayout> decode(std::string_view text);
  std::string encode() const;

  const std::vector<TensorSpec>& tensors() const { return tensors_; }
  const ModelSize& size() const { return size_; }
  std::uint64_t value_count() const { return size_.values(); }  // length of the flat vector
  bool operator==(const ModelLayout&) const = default;

 private:
  std::vector<TensorSpec> tensors_;
  ModelSize size_;
};

}  // namespace gradmint
