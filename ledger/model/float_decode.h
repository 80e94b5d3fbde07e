// Values of a safetensors tensor to fp32, exactly: F32, BF16 and F16 (IEEE binary16), with -0 made
// +0 as everywhere in this project. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace gradmint {

// The dtypes that can be averaged.
bool is_decodable(std::string_view dtype);

// `values.size()` values from `bytes`, which hold exactly as many of `dtype` (decodable, checked).
// An infinity or NaN stays one.
void decode_floats(std::string_view dtype, std::span<const std::uint8_t> bytes,
                   std::span<float> values);

// Whether any of the values is -0.
bool has_negative_zero(std::span<const float> values);

}  // namespace gradmint
