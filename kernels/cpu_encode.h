// Writing updates in an encoding at one CPU level: cpu_encode.cc, compiled once per instruction
// set. Inside the library only; the same terms as cpu_kernels.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/encoding.h"

namespace gradmint::kernels {

// Values that begin with a block, and where what becomes of them goes.
struct EncodeTile {
  EncodingKind kind = EncodingKind::fp32;
  std::size_t keep = 0;  // top_k
  const float* values = nullptr;
  const float* carried = nullptr;  // added to the values, or null
  std::size_t count = 0;           // the last blocks may be partial
  std::byte* bytes = nullptr;      // of the values, or of top_k's records
  std::byte* exponents = nullptr;  // int8 and int4: a byte a block
  float* residual = nullptr;       // not fp32's
};

struct CpuEncoders {
  // Returns a magnitude (lanes.h): below unencodable_magnitude(kind) all is written; otherwise a
  // value cannot be encoded, and what is written means nothing.
  std::int32_t (*encode)(const EncodeTile& tile);
};

extern const CpuEncoders kScalarEncoders;
extern const CpuEncoders kAvx2Encoders;
extern const CpuEncoders kAvx512Encoders;

}  // namespace gradmint::kernels
