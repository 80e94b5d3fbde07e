// Writing an update in an encoding (encoding.h). What was lost is given back, so that the sender
// can add it to its next update (error feedback).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/backend.h"
#include "kernels/base/result.h"
#include "kernels/encoding.h"
#include "kernels/floats.h"

namespace gradmint::kernels {

using EncodedBytes = std::vector<std::uint8_t, UntouchedAllocator<std::uint8_t>>;

struct Encoded {
  EncodedBytes bytes;  // encoded_bytes() of them
  Floats residual;     // x minus what the bytes decode to, exactly; empty for fp32
};

// -0 is written as +0. An Error where the encoding is none, a value is not finite, or one is too
// large for the encoding, naming the first and what to do. On this thread alone, at the level of
// GRADMINT_CPU. Pure; thread safe.
Result<Encoded> encode(const Encoding& encoding, std::span<const float> values);

// The same on a backend, which gives the same bytes, of values + carried: what was lost of the
// update before, as many values or none.
Result<Encoded> encode(Backend& backend, const Encoding& encoding, std::span<const float> values,
                       std::span<const float> carried);

// The values themselves, for tools and tests; the row was checked. Aggregation never does this.
std::vector<float> decode_row(const Row& row);

}  // namespace gradmint::kernels
