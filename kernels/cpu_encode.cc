// Writing updates in an encoding at one CPU level: the values are read once, checked, rounded and
// stored, and what was lost is stored beside them. Compiled three times, as cpu_kernels.cc is, and
// under the same rule: nothing that could be left out of line.
//
// Tried, for 1e7 values on one AVX-512 thread of a busy machine, into memory that is there, in ms:
// plain code that checks, converts, decodes and subtracts in passes of their own took 27 to 54 with
// fresh memory, 94 for top_k; in one pass over vectors bf16 3.6, fp16 3.3, int8 3.4, top_k 5.1;
// with stores of what is lost past the caches, whose lines are then not read first, bf16 2.5,
// int8 2.4, int4 2.5; with values asked for ahead int8 2.2. On AVX2 fp32 went from 3.8 to 2.0 where
// the largest magnitude stays in a register (cpu_encode_lanes.h, lanes_largest). Bound: memory, at
// or above the share that memcpy gets; but for fp16 on AVX2 (5.0) and for the scalar level, which
// are bound by instructions. The whole call took 23 ms into fresh memory of small pages, and 6 into
// large ones (floats.h).
#include "kernels/cpu_encode.h"

#include "kernels/cpu_encode_lanes.h"
#include "kernels/cpu_top_k.h"
#include "kernels/decode_rule.h"
#include "kernels/encode_rule.h"

namespace gradmint::kernels {
namespace {

// --- fp32, bf16 and fp16 ------------------------------------------------------------------------

template <EncodingKind Kind, bool Carried>
std::int32_t encode_each(EncodeTile tile) {
  using L = Narrow;
  return largest_over(
      tile.count, [=](std::size_t c, auto access) __attribute__((always_inline)) {
        const auto x = in_register(read_value<Carried>(tile, c, access));
        if constexpr (Kind == EncodingKind::fp32) {
          store_past(access, reinterpret_cast<float*>(tile.bytes) + c, x);
        } else {
          const bool brain = Kind == EncodingKind::bf16;
          const auto half = brain ? bf16_bits<L>(x) : fp16_bits<L>(x);
          const auto kept = brain ? bf16_value<L>(half) : fp16_value<L>(half);
          put(access, tile.bytes + 2 * c, narrow_halves(half), 2);
          store_past(access, tile.residual + c, lost_of<L>(x, kept));
        }
        return magnitude<L>(x);
      });
}

// --- int8 and int4 ------------------------------------------------------------------------------

GRADMINT_RULE void put_integers(Whole, std::byte* to, std::size_t c, Narrow::I32 q, bool four) {
#if defined(GRADMINT_LEVEL_AVX512) || defined(GRADMINT_LEVEL_AVX2)
  if (four) {
    const auto packed = narrow_nibbles(q);
    memcpy(to + c / 2, &packed, sizeof packed);
    return;
  }
#else
  if (four) {
    const auto nibble = static_cast<std::byte>(q & 15);
    to[c / 2] = c % 2 == 0 ? nibble : to[c / 2] | nibble << 4;
    return;
  }
#endif
  const auto packed = narrow_bytes(q);
  memcpy(to + c, &packed, sizeof packed);
}
#if defined(GRADMINT_LEVEL_AVX512) || defined(GRADMINT_LEVEL_AVX2)
GRADMINT_RULE void put_integers(Part part, std::byte* to, std::size_t c, Narrow::I32 q, bool four) {
  if (four) {
    const auto packed = narrow_nibbles(q);
    memcpy(to + c / 2, &packed, (part.left + 1) / 2);
    return;
  }
  const auto packed = narrow_bytes(q);
  memcpy(to + c, &packed, part.left);
}
#endif

// One block; returns its largest magnitude, and writes nothing where that cannot be encoded.
template <bool Four, bool Carried>
GRADMINT_RULE std::int32_t encode_block(EncodeTile block) {
  using L = Narrow;
  const std::int32_t largest = largest_over(
      block.count, [=](std::size_t c, auto access) __attribute__((always_inline)) {
        return magnitude<L>(read_value<Carried>(block, c, access));
      });
  if (largest >= unencodable_magnitude(block.kind)) return largest;
  const int k = block_exponent(largest, Four);
  *block.exponents = static_cast<std::byte>(k);
  const float inverse = inverse_block_unit(k);
  const float unit = block_unit(k);
  for_lanes<L::width>(
      block.count, [=](std::size_t c, auto access) __attribute__((always_inline)) {
        const auto x = in_register(read_value<Carried>(block, c, access));
        const auto q = integer_bits<L>(x, inverse);
        put_integers(access, block.bytes, c, q, Four);
        store_past(access, block.residual + c, lost_of<L>(x, integer_value<L>(q, unit)));
      });
  return largest;
}

template <bool Four, bool Carried>
std::int32_t encode_integers(const EncodeTile& tile) {
  EncodeTile block = tile;
  std::int32_t largest = 0;
  for (std::size_t first = 0; first < tile.count; first += kIntegerBlock) {
    const std::size_t left = tile.count - first;
    block.values = tile.values + first;
    if (Carried) block.carried = tile.carried + first;
    block.count = left < kIntegerBlock ? left : kIntegerBlock;
    block.bytes = tile.bytes + (Four ? first / 2 : first);
    block.exponents = tile.exponents + first / kIntegerBlock;
    block.residual = tile.residual + first;
    largest = larger(largest, encode_block<Four, Carried>(block));
  }
  return largest;
}

// --- top_k --------------------------------------------------------------------------------------

template <bool Carried>
std::int32_t encode_kept(const EncodeTile& tile) {
  EncodeTile block = tile;
  std::int32_t largest = 0;
  for (std::size_t first = 0; first < tile.count; first += kTopKBlock) {
    const std::size_t left = tile.count - first;
    block.values = tile.values + first;
    if (Carried) block.carried = tile.carried + first;
    block.count = left < kTopKBlock ? left : kTopKBlock;
    block.bytes = tile.bytes + first / kTopKBlock * record_bytes(tile.keep);
    block.residual = tile.residual + first;
    largest = larger(largest, keep_largest<Carried>(block));
  }
  return largest;
}

// --- by encoding --------------------------------------------------------------------------------

template <bool Carried>
std::int32_t encode_tile(const EncodeTile& tile) {
  switch (tile.kind) {
    case EncodingKind::fp32:
      return encode_each<EncodingKind::fp32, Carried>(tile);
    case EncodingKind::bf16:
      return encode_each<EncodingKind::bf16, Carried>(tile);
    case EncodingKind::fp16:
      return encode_each<EncodingKind::fp16, Carried>(tile);
    case EncodingKind::int8:
      return encode_integers<false, Carried>(tile);
    case EncodingKind::int4:
      return encode_integers<true, Carried>(tile);
    case EncodingKind::top_k:
      break;
  }
  return encode_kept<Carried>(tile);
}

std::int32_t encode(const EncodeTile& tile) {
  const std::int32_t largest =
      tile.carried == nullptr ? encode_tile<false>(tile) : encode_tile<true>(tile);
  end_of_stores_past();
  return largest;
}

}  // namespace

#if defined(GRADMINT_LEVEL_AVX512)
const CpuEncoders kAvx512Encoders = {encode};
#elif defined(GRADMINT_LEVEL_AVX2)
const CpuEncoders kAvx2Encoders = {encode};
#else
const CpuEncoders kScalarEncoders = {encode};
#endif

}  // namespace gradmint::kernels
