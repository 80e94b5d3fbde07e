// Reading encoded updates at one CPU level, straight into the mean's sums or into a tile. Compiled
// three times, as cpu_kernels.cc is, and under the same rule: nothing that could be left out of
// line.
//
// The versions tried, what each gained and what bounds it: bf16 and fp16 in cpu_halves.h, the mean
// of int8 and int4 in cpu_integer_mean.h. Other rules see int8 and int4 decoded to a tile, one row
// after the other: the median (16 updates of 1e7, AVX-512, one thread, fp32 28 ms) took 54 and 25
// ms, with blocks asked for ahead 25 and 21; AVX2 39 and 44, then 34 and 38. Bound: the network and
// the conversions. top_k adds what is kept, one value after the other, to sums that hold the rest
// as zeros: one version, bound by the sums' own reading and writing (benchmarks/README.md).
#include "kernels/cpu_decode.h"

#include "kernels/cpu_halves.h"
#include "kernels/cpu_integer_mean.h"
#include "kernels/cpu_integers.h"
#include "kernels/cpu_lanes.h"
#include "kernels/decode_rule.h"
#include "kernels/mean_rule.h"

namespace gradmint::kernels {
namespace {

constexpr std::size_t kLoad = 16;  // values are loaded in groups of at most this

// The last bytes of a row, zero-filled so that whole groups can be loaded.
template <std::size_t Bytes>
struct Rest {
  std::byte bytes[Bytes] = {};
  GRADMINT_RULE Rest(const std::byte* from, std::size_t size) { memcpy(bytes, from, size); }
};

// --- int8 and int4 ------------------------------------------------------------------------------

template <bool Nibbles>
void decode_integers(const EncodedRow& row, std::size_t begin, std::size_t count, float* out) {
  using L = Narrow;
  for (std::size_t at = begin; at < begin + count;) {
    const std::size_t left = begin + count - at;
    const std::size_t in_block = kIntegerBlock - at % kIntegerBlock;
    const std::size_t here = left < in_block ? left : in_block;
    const float unit = block_unit(exponent_at(row, at));
    const std::byte* from = integers_at<Nibbles>(row, at);
    prefetch_block<Nibbles>(from);
    float* to = out + (at - begin);
    std::size_t c = 0;
    for (; c + L::width <= here; c += L::width) {
      Whole{}.store(to + c, integer_value<L>(load_integers<L, Nibbles>(from, c), unit));
    }
    if (c < here) {
      const std::size_t bytes = Nibbles ? (here - c + 1) / 2 : here - c;
      const Rest<2 * kLoad> rest(from + (Nibbles ? c / 2 : c), bytes);
      float values[2 * kLoad];
      for (std::size_t r = 0; c + r < here; r += L::width) {
        Whole{}.store(values + r, integer_value<L>(load_integers<L, Nibbles>(rest.bytes, r), unit));
      }
      memcpy(to + c, values, (here - c) * sizeof(float));
    }
    at += here;
  }
}

// --- top_k --------------------------------------------------------------------------------------

// visit(c, x) for each kept value among `count` from `begin`.
template <class Visit>
GRADMINT_RULE void for_kept(const EncodedRow& row, std::size_t begin, std::size_t count,
                            Visit visit) {
  const std::size_t end = begin + count;
  for (std::size_t block = begin / kTopKBlock; block * kTopKBlock < end; ++block) {
    const std::size_t first = block * kTopKBlock;
    const std::size_t inside = row.size - first < kTopKBlock ? row.size - first : kTopKBlock;
    const std::size_t kept = row.keep < inside ? row.keep : inside;
    const std::byte* record = row.bytes + block * record_bytes(row.keep);
    const std::byte* values = record + index_bytes(kept);
    std::size_t low = 0;  // the first kept at or behind begin
    std::size_t high = begin > first ? kept : 0;
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (first + index_of_kept(record, middle) < begin) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    for (std::size_t j = low; j < kept; ++j) {
      const std::size_t c = first + index_of_kept(record, j);
      if (c >= end) break;
      visit(c - begin, canonical(load_bytes<float>(values + 4 * j)));
    }
  }
}

void decode_kept(const EncodedRow& row, std::size_t begin, std::size_t count, float* out) {
  memset(out, 0, count * sizeof(float));
  for_kept(
      row, begin,
      count, [&](std::size_t c, float x) __attribute__((always_inline)) { out[c] = x; });
}

// What is not kept is 0, whose term is the bias alone.
std::int32_t accumulate_kept(const EncodedRow* rows, const double* factors, std::size_t n,
                             std::size_t begin, std::size_t count, std::uint64_t* sums) {
  std::int32_t largest = 0;
  for (std::size_t c = 0; c < count; ++c) sums[c] += kRoundingBiasBits * n;
  for (std::size_t i = 0; i < n; ++i) {
    for_kept(
        rows[i], begin, count, [&](std::size_t c, float x) __attribute__((always_inline)) {
          largest = larger(largest, magnitude<Lanes<1>>(x));
          sums[c] += biased_term<Lanes<1>>(x, factors[i]) - kRoundingBiasBits;
        });
  }
  return largest;
}

// --- by encoding --------------------------------------------------------------------------------

void decode(const EncodedRow& row, std::size_t begin, std::size_t count, float* out) {
  switch (row.kind) {
    case EncodingKind::bf16:
      return decode_halves<EncodingKind::bf16>(halves_at(row, begin), count, out);
    case EncodingKind::fp16:
      return decode_halves<EncodingKind::fp16>(halves_at(row, begin), count, out);
    case EncodingKind::int8:
      return decode_integers<false>(row, begin, count, out);
    case EncodingKind::int4:
      return decode_integers<true>(row, begin, count, out);
    case EncodingKind::fp32:
    case EncodingKind::top_k:
      break;
  }
  decode_kept(row, begin, count, out);
}

std::int32_t accumulate(const EncodedRow* rows, const double* factors, std::size_t n,
                        std::size_t begin, std::size_t count, std::int32_t seen,
                        std::uint64_t* sums) {
  switch (rows[0].kind) {
    case EncodingKind::bf16:
      return larger(seen,
                    accumulate_halves<EncodingKind::bf16>(rows, factors, n, begin, count, sums));
    case EncodingKind::fp16:
      return larger(seen,
                    accumulate_halves<EncodingKind::fp16>(rows, factors, n, begin, count, sums));
    case EncodingKind::int8:
      return accumulate_integers<false>(rows, factors, n, begin, count, seen, sums);
    case EncodingKind::int4:
      return accumulate_integers<true>(rows, factors, n, begin, count, seen, sums);
    case EncodingKind::fp32:
    case EncodingKind::top_k:
      break;
  }
  return larger(seen, accumulate_kept(rows, factors, n, begin, count, sums));
}

std::int32_t middle(const EncodedRow* rows, std::size_t n, std::size_t begin, std::size_t count,
                    float* lower, float* upper) {
  if (rows[0].kind == EncodingKind::bf16) {
    return middle_of_halves<EncodingKind::bf16>(rows, n, begin, count, lower, upper);
  }
  return middle_of_halves<EncodingKind::fp16>(rows, n, begin, count, lower, upper);
}

std::size_t count_outside(const EncodedRow& row, std::size_t begin, std::size_t count,
                          const float* lower, const float* upper) {
  const Half* from = halves_at(row, begin);
  if (row.kind == EncodingKind::bf16) {
    return count_outside_of(HalfRow<EncodingKind::bf16>{from}, lower, upper, count);
  }
  return count_outside_of(HalfRow<EncodingKind::fp16>{from}, lower, upper, count);
}

std::uint32_t largest_bits(EncodingKind kind, const std::byte* values, std::size_t count) {
  if (kind == EncodingKind::int8) return largest_byte(values, count);
  if (kind == EncodingKind::int4) return largest_nibble(values, count);
  return largest_half(values, count);
}

}  // namespace

#if defined(GRADMINT_LEVEL_AVX512)
const CpuDecoders kAvx512Decoders = {decode, accumulate, middle, count_outside, largest_bits};
#elif defined(GRADMINT_LEVEL_AVX2)
const CpuDecoders kAvx2Decoders = {decode, accumulate, middle, count_outside, largest_bits};
#else
const CpuDecoders kScalarDecoders = {decode, accumulate, middle, count_outside, largest_bits};
#endif

}  // namespace gradmint::kernels
