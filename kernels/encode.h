// Writing an update in an encoding (encoding.h). What was lost is given back, so that the sender
// can add it to its next update (error feedback).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/base/result.h"
#include "kernels/encoding.h"

namespace gradmint::kernels {

struct Encoded {
  std::vector<std::uint8_t> bytes;  // encoded_bytes() of them
  std::vector<float> residual;      // x minus what the bytes decode to, exactly; empty for fp32
};

// -0 is written as +0. An Error where the encoding is none, a value is not finite, or one is too
// large for the encoding, naming the first and what to do. Pure; thread safe.
Result<Encoded> encode(const Encoding& encoding, std::span<const float> values);

// The values themselves, for tools and tests; the row was checked. Aggregation never does this.
std::vector<float> decode_row(const Row& row);

}  // namespace gradmint::kernels
