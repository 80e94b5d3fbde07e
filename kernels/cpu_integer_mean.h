// The mean of int8 and int4 at one CPU level (cpu_decode.cc only).
//
// A term is RNE(q * f) with f = factor * 2^k, and q * f has few bits: where
// every f of a block is a whole multiple of one power of two, 2^t with t >= 0, nothing is rounded,
// and the sum over the rows is a sum of small integers times 2^t. Where that sum fits int32 (whole
// weights do, unless weights or exponents are very far apart) it is taken 16 coordinates to a
// register: widen, multiply, add. Otherwise (a clip factor has 53 bits) terms are rounded in fp64,
// 8 to a register, as mean_rule.h says. Both give the same sums.
//
// Tried, on one AVX-512 thread, N = 16 updates in cache: terms in fp64 only, 6.7 Gcoord/s; int32
// where exact, 13 to 15. From memory (D = 2e6 to 1e7, optimizer's step included) int32 gives 5.8
// without prefetching and 8.3 with it: 16 rows are more streams than the processor foresees.
// Scalar, one thread from memory, int8 and int4: 118 and 129 ms for sums of four coordinates at a
// time; row after row over a block, from an aligned copy, 72 and 74 (in cache 0.5 and 0.64 ns a
// value; int8 without the copy 0.39, with it 0.24). Bound: the core; sums in place of the products
// of 32 bits, which SSE2 has to compose, would take 0.15.
#pragma once

#include "kernels/cpu_decode.h"
#include "kernels/cpu_integers.h"
#include "kernels/cpu_lanes.h"
#include "kernels/decode_rule.h"
#include "kernels/mean_rule.h"

namespace gradmint::kernels {
namespace {

// Where a row's values of the block at `at` begin.
template <bool Nibbles>
GRADMINT_RULE const std::byte* integers_at(const EncodedRow& row, std::size_t at) {
  return row.bytes + exponent_section_bytes(row.size) + (Nibbles ? at / 2 : at);
}
GRADMINT_RULE int exponent_at(const EncodedRow& row, std::size_t at) {
  return static_cast<std::int8_t>(row.bytes[at / kIntegerBlock]);
}

constexpr std::size_t kGroup = 16;  // rows whose sums are taken together

// Rows of one block with what multiplies their integers.
struct BlockRows {
  std::size_t n = 0;
  const std::byte* from[kGroup];
  double factor[kGroup];            // the row's, times 2^k
  std::int32_t multiplier[kGroup];  // where they are used
  int shift = 0;
};

// A row's factor as an odd integer times a power of two.
struct SplitFactor {
  std::uint64_t odd = 0;
  int power = 0;
};
GRADMINT_RULE SplitFactor split(double factor) {
  const auto bits = bit_copy<std::uint64_t>(factor);
  const std::uint64_t mantissa = (bits & 0xfffffffffffffULL) | 0x10000000000000ULL;
  const int zeros = __builtin_ctzll(mantissa);
  const int exponent = static_cast<int>((bits >> 52) & 0x7ff);
  if (exponent == 0) return {};  // zero; no factor is denormal
  return {mantissa >> zeros, exponent - 1075 + zeros};
}

// Where all terms of the block are whole multiples of 2^shift and their sum over it fits int32:
// sets multiplier and shift. A row whose terms all round to zero has the multiplier 0.
template <bool Nibbles>
GRADMINT_RULE bool choose_multipliers(const SplitFactor* factors, const int* exponents,
                                      BlockRows& block) {
  constexpr std::uint64_t most = Nibbles ? 7 : 127;
  int shift = 1 << 20;
  for (std::size_t r = 0; r < block.n; ++r) {
    if (block.factor[r] * static_cast<double>(most) < 0.5) continue;
    shift = smaller(shift, factors[r].power + exponents[r]);
  }
  block.shift = shift == 1 << 20 ? 0 : shift;
  if (block.shift < 0 || block.shift > 51) return false;
  std::uint64_t total = 0;
  for (std::size_t r = 0; r < block.n; ++r) {
    block.multiplier[r] = 0;
    if (block.factor[r] * static_cast<double>(most) < 0.5) continue;
    const int up = factors[r].power + exponents[r] - block.shift;
    if (up > 24 || factors[r].odd > 0x7fffffffu) return false;
    const std::uint64_t multiplier = factors[r].odd << up;
    total += multiplier * most;
    if (total > 0x7fffffffu) return false;
    block.multiplier[r] = static_cast<std::int32_t>(multiplier);
  }
  return true;
}

// Sums of integers, `Vectors` registers of them at once.
template <bool Nibbles, int Vectors>
GRADMINT_RULE void sum_integers(const BlockRows& block, std::size_t c, std::int32_t* out) {
  using L = Narrow;
  L::I32 sum[Vectors];
  for (int v = 0; v < Vectors; ++v) sum[v] = L::all(std::int32_t{0});
  for (std::size_t r = 0; r < block.n; ++r) {
    for (int v = 0; v < Vectors; ++v) {
      const auto at = c + static_cast<std::size_t>(v * L::width);
      sum[v] = sum[v] + load_integers<L, Nibbles>(block.from[r], at) * block.multiplier[r];
    }
  }
  for (int v = 0; v < Vectors; ++v) Whole{}.store(out + v * L::width, sum[v]);
}

// The same where a register holds one value, of a whole block: loops that a compiler makes vectors
// of, as in cpu_rows.h. They read a copy, whose alignment it knows.
template <bool Nibbles>
GRADMINT_RULE void sum_block(const BlockRows& block, std::int32_t* out) {
  memset(out, 0, kIntegerBlock * sizeof *out);
  for (std::size_t r = 0; r < block.n; ++r) {
    const std::byte* from = block.from[r];
    std::int8_t values[kIntegerBlock];
    if constexpr (Nibbles) {
      for (std::size_t c = 0; c < kIntegerBlock / 2; ++c) {
        values[2 * c] = static_cast<std::int8_t>(nibble(from[c], 0));
        values[2 * c + 1] = static_cast<std::int8_t>(nibble(from[c], 1));
      }
    } else {
      memcpy(values, from, sizeof values);
    }
    const std::int32_t multiplier = block.multiplier[r];
    for (std::size_t c = 0; c < kIntegerBlock; ++c) out[c] += values[c] * multiplier;
  }
}

template <bool Nibbles>
GRADMINT_RULE void add_exact(const BlockRows& block, std::size_t count, std::uint64_t* sums) {
  const std::uint64_t bias = kRoundingBiasBits * block.n;
  constexpr std::size_t step = 4 * Narrow::width;
  std::int32_t exact[kIntegerBlock];
  if constexpr (Narrow::width == 1) {
    sum_block<Nibbles>(block, exact);
  } else {
    std::size_t c = 0;
    for (; c + step <= count; c += step) sum_integers<Nibbles, 4>(block, c, exact + c);
    for (; c < count; c += Narrow::width) sum_integers<Nibbles, 1>(block, c, exact + c);
  }
  using L = Wide;
  for (std::size_t c = 0; c < count; c += L::width) {
    const auto sum = L::widen_integer(load_all<L::I32>(exact + c)) << block.shift;
    Whole{}.store(sums + c, load_all<L::U64>(sums + c) + bit_copy<L::U64>(sum) + bias);
  }
}

template <bool Nibbles, int Rows>
GRADMINT_RULE void add_terms(const BlockRows& block, std::size_t first, std::size_t count,
                             std::uint64_t* sums) {
  using L = Wide;
  for (std::size_t c = 0; c < count; c += L::width) {
    auto sum = load_all<L::U64>(sums + c);
    for (std::size_t r = first; r < first + Rows; ++r) {
      const auto q = L::to_double(load_integers<L, Nibbles>(block.from[r], c));
      sum = sum + bit_copy<L::U64>(q * block.factor[r] + kRoundingBias);
    }
    Whole{}.store(sums + c, sum);
  }
}

template <bool Nibbles>
GRADMINT_RULE std::int32_t largest_integer(const std::byte* from, std::size_t count, int exponent,
                                           std::int32_t seen) {
  // Only where it could have a greater exponent than what was seen: above 2^(k + 6), or 2^(k + 2).
  if (seen > (exponent + (Nibbles ? 2 : 6) + 127) << 23) return seen;
  const auto q =
      static_cast<std::int32_t>(Nibbles ? largest_nibble(from, count) : largest_byte(from, count));
  return larger(seen, magnitude<Lanes<1>>(integer_value<Lanes<1>>(q, block_unit(exponent))));
}

// Many rows are too many streams for the processor to foresee alone.
template <bool Nibbles>
GRADMINT_RULE void prefetch_block(const std::byte* from) {
  constexpr std::size_t bytes = Nibbles ? kIntegerBlock / 2 : kIntegerBlock;
  for (std::size_t at = 0; at < bytes; at += 64) __builtin_prefetch(from + 8 * bytes + at);
}

// At most kGroup rows.
template <bool Nibbles>
std::int32_t accumulate_group(const EncodedRow* rows, const double* factors, std::size_t n,
                              std::size_t begin, std::size_t count, std::int32_t seen,
                              std::uint64_t* sums) {
  SplitFactor parts[kGroup];
  for (std::size_t r = 0; r < n; ++r) parts[r] = split(factors[r]);
  std::byte rest[kGroup][kIntegerBlock];
  for (std::size_t at = 0; at < count; at += kIntegerBlock) {
    const std::size_t here = count - at < kIntegerBlock ? count - at : kIntegerBlock;
    BlockRows block;
    block.n = n;
    int exponents[kGroup];
    for (std::size_t r = 0; r < n; ++r) {
      exponents[r] = exponent_at(rows[r], begin + at);
      block.from[r] = integers_at<Nibbles>(rows[r], begin + at);
      block.factor[r] = factors[r] * static_cast<double>(block_unit(exponents[r]));
      prefetch_block<Nibbles>(block.from[r]);
      seen = largest_integer<Nibbles>(block.from[r], here, exponents[r], seen);
      if (here == kIntegerBlock) continue;
      memset(rest[r], 0, kIntegerBlock);
      memcpy(rest[r], block.from[r], Nibbles ? (here + 1) / 2 : here);
      block.from[r] = rest[r];
    }
    if (choose_multipliers<Nibbles>(parts, exponents, block)) {
      add_exact<Nibbles>(block, here, sums + at);
      continue;
    }
    std::size_t r = 0;
    for (; r + 4 <= n; r += 4) add_terms<Nibbles, 4>(block, r, here, sums + at);
    for (; r < n; ++r) add_terms<Nibbles, 1>(block, r, here, sums + at);
  }
  return seen;
}

template <bool Nibbles>
std::int32_t accumulate_integers(const EncodedRow* rows, const double* factors, std::size_t n,
                                 std::size_t begin, std::size_t count, std::int32_t seen,
                                 std::uint64_t* sums) {
  for (std::size_t i = 0; i < n; i += kGroup) {
    seen = accumulate_group<Nibbles>(rows + i, factors + i, n - i < kGroup ? n - i : kGroup, begin,
                                     count, seen, sums);
  }
  return seen;
}

}  // namespace
}  // namespace gradmint::kernels
