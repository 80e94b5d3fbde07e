// Encodings once more, written for clarity: what a value becomes when it is encoded and decoded.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/encoding.h"

namespace gradmint::test {

// The value of 16 bits of bf16 or fp16; -0 is +0.
float reference_half(std::uint16_t bits, kernels::EncodingKind kind);

// decode(encode(values)).
std::vector<float> reference_decoded(const kernels::Encoding& encoding,
                                     std::span<const float> values);

// The bytes, as encoding.h defines them; every value must be one that can be encoded.
std::vector<std::uint8_t> reference_encoded(const kernels::Encoding& encoding,
                                            std::span<const float> values);

}  // namespace gradmint::test
