// Reading encoded updates at one CPU level: cpu_decode.cc, compiled once per instruction set.
// Inside the library only; the same terms as cpu_kernels.h. Rows hold what check_encoded accepts.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/encoding.h"

namespace gradmint::kernels {

// A Row as plain numbers: a level's code calls no function that could be left out of line.
struct EncodedRow {
  EncodingKind kind = EncodingKind::fp32;
  std::uint16_t keep = 0;
  const std::byte* bytes = nullptr;
  std::size_t size = 0;
};

inline constexpr std::size_t kMedianTile = 512;

struct CpuDecoders {
  // out[c] = value begin + c, for `count` values; not for plain rows. begin is even, out padded.
  void (*decode)(const EncodedRow& row, std::size_t begin, std::size_t count, float* out);

  // sums[c] += biased term (mean_rule.h) of value begin + c of each of `n` rows, all of one
  // encoding that is not fp32. begin is a multiple of kIntegerBlock, sums padded. Returns the
  // larger of `seen` and a magnitude whose exponent (fixed_point.h) is that of the largest value
  // here.
  std::int32_t (*accumulate)(const EncodedRow* rows, const double* factors, std::size_t n,
                             std::size_t begin, std::size_t count, std::int32_t seen,
                             std::uint64_t* sums);

  // The two middle values (median_rule.h) of `n` <= kLargestNetwork rows, all bf16 or all fp16;
  // count <= kMedianTile, lower and upper have room for so many. Returns the largest magnitude seen
  // or, where `n` was padded, one that is greater and finite.
  std::int32_t (*middle)(const EncodedRow* rows, std::size_t n, std::size_t begin,
                         std::size_t count, float* lower, float* upper);

  // How many values of a bf16 or fp16 row lie strictly below lower or strictly above upper.
  std::size_t (*count_outside)(const EncodedRow& row, std::size_t begin, std::size_t count,
                               const float* lower, const float* upper);

  // The largest |q| of `count` int8 or int4 values (128 or 8 where one is malformed), or the
  // largest magnitude, as 16 bits, of bf16 or fp16 values.
  std::uint32_t (*largest_bits)(EncodingKind kind, const std::byte* values, std::size_t count);
};

extern const CpuDecoders kScalarDecoders;
extern const CpuDecoders kAvx2Decoders;
extern const CpuDecoders kAvx512Decoders;

}  // namespace gradmint::kernels
