// Values of encoded updates on the GPU, four at a time, by the rules of decode_rule.h
// (combine_cuda.cu and decode_cuda.cu only). `first` is a multiple of 4, and the pointers are
// aligned to 16 bytes.
#pragma once

#include "kernels/cuda_passes.h"
#include "kernels/decode_rule.h"

namespace gradmint::kernels::cuda {
namespace {

using L = Lanes<1>;

// One value of a dense encoding. `values` and `exponents` are those of a tile that begins with a
// block.
template <EncodingKind Kind>
__device__ float decoded_value(const std::byte* values, const std::byte* exponents, std::size_t c) {
  if constexpr (Kind == EncodingKind::bf16 || Kind == EncodingKind::fp16) {
    const std::int32_t half = reinterpret_cast<const std::uint16_t*>(values)[c];
    return Kind == EncodingKind::bf16 ? bf16_value<L>(half) : fp16_value<L>(half);
  } else {
    const int k = static_cast<std::int8_t>(exponents[c / kIntegerBlock]);
    const std::int32_t q =
        Kind == EncodingKind::int4 ? nibble(values[c / 2], c) : static_cast<std::int8_t>(values[c]);
    return integer_value<L>(q, block_unit(k));
  }
}

// All four are inside the tile.
template <EncodingKind Kind>
__device__ void decode_four(const std::byte* values, const std::byte* exponents, std::size_t first,
                            float (&out)[4]) {
  if constexpr (Kind == EncodingKind::bf16 || Kind == EncodingKind::fp16) {
    const ushort4 halves = *reinterpret_cast<const ushort4*>(values + 2 * first);
    const std::int32_t bits[4] = {halves.x, halves.y, halves.z, halves.w};
    for (int k = 0; k < 4; ++k) {
      out[k] = Kind == EncodingKind::bf16 ? bf16_value<L>(bits[k]) : fp16_value<L>(bits[k]);
    }
  } else {
    const float unit = block_unit(static_cast<std::int8_t>(exponents[first / kIntegerBlock]));
    if constexpr (Kind == EncodingKind::int8) {
      const char4 q = *reinterpret_cast<const char4*>(values + first);
      const std::int32_t integers[4] = {q.x, q.y, q.z, q.w};
      for (int k = 0; k < 4; ++k) out[k] = integer_value<L>(integers[k], unit);
    } else {
      for (std::size_t k = 0; k < 4; ++k) {
        out[k] = integer_value<L>(nibble(values[(first + k) / 2], k), unit);
      }
    }
  }
}

}  // namespace
}  // namespace gradmint::kernels::cuda
