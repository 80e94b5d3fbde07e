// One top_k record at one CPU level (cpu_encode.cc only): which magnitudes of a block are kept, and
// its bytes in index order.
//
// Which ones is a matter of integers: the largest bound that at least `kept` magnitudes reach,
// found by halving the range. To count over 4096 magnitudes for each of up to 31 halvings would
// take most of the time, so the halving runs over the largest of every few values first: where
// `kept` of these reach a bound, so do as many values, and few others do. What reaches it is
// gathered, in index order, and the halving goes on there.
//
// Tried, keeping 64 of each 4096 of 1e7 values on one thread, in ms: nth_element over 64-bit keys
// 94 (fresh memory included); this way 5.1 on AVX-512 and 6.7 on AVX2; with the block in a buffer
// that stays in the first-level cache, the next one asked for meanwhile, and counting by masks 3.5
// and 5.7; gathering from masks of 64 lanes without a loop that ends unforeseen 2.8 and 3.5. Places
// written 16 at a time made 128 of 4096 1.6 times as fast, and 512 twice. Bound: memory up to
// about 128 of 4096 (AVX-512), then what is done for each value that is kept.
#pragma once

#include "kernels/cpu_encode_lanes.h"
#include "kernels/decode_rule.h"

namespace gradmint::kernels {
namespace {

constexpr std::size_t kWrittenAnyway = 4;  // see write_places
// Room for a block, and for what is stored behind it before it is known how much that is.
constexpr std::size_t kSizes = kTopKBlock + 32;
static_assert(Narrow::width <= 16 && kWrittenAnyway <= 16);

// How many of the sizes reach the bound; read in whole vectors, and what fills the last one up is
// -1.
GRADMINT_RULE std::size_t count_reaching(const std::int32_t* sizes, std::size_t n,
                                         std::int32_t bound) {
  using L = Narrow;
  std::size_t count = 0;
  for (std::size_t i = 0; i < n; i += L::width) {
    count += ones_in(lanes_at_least(load_all<L::I32>(sizes + i), L::all(bound)));
  }
  return count;
}

// A bound and how many sizes reach it.
struct Reached {
  std::int32_t bound = 0;
  std::size_t count = 0;
};
// From `low`, which at least `wanted` of n sizes up to `largest` reach: the first bound found that
// no more than `most` reach, or the largest that `wanted` do.
GRADMINT_RULE Reached halve(const std::int32_t* sizes, std::size_t n, std::size_t wanted,
                            std::size_t most, std::int32_t largest, Reached low) {
  std::int32_t high = largest + 1;
  while (high - low.bound > 1 && low.count > most) {
    const std::int32_t middle = low.bound + (high - low.bound) / 2;
    const std::size_t count = count_reaching(sizes, n, middle);
    if (count >= wanted) {
      low = {middle, count};
    } else {
      high = middle;
    }
  }
  return low;
}

GRADMINT_RULE void fill_up(std::int32_t* sizes, std::size_t n) {
  const auto none = Narrow::all(std::int32_t{-1});
  memcpy(sizes + n, &none, sizeof none);
}

// Values to `values`, and the largest of every `group` vectors of magnitudes to `maxima`, where 0
// fills up a last part. Returns how many those are; `largest` becomes the largest of all.
template <bool Carried>
GRADMINT_RULE std::size_t read_block(EncodeTile tile, std::size_t group, float* values,
                                     std::int32_t* maxima, std::int32_t& largest) {
  using L = Narrow;
  auto all = L::all(std::int32_t{0});
  std::size_t n = 0;
  for (std::size_t first = 0; first < tile.count; first += group * L::width) {
    const std::size_t left = tile.count - first;
    auto most = L::all(std::int32_t{0});
    for_lanes<L::width>(
        left < group * L::width ? left : group * L::width, [&](std::size_t at, auto access)
                                                               __attribute__((always_inline)) {
                                                                 const auto x = in_register(
                                                                     read_value<Carried>(
                                                                         tile, first + at, access));
                                                                 access.store(values + first + at,
                                                                              x);
                                                                 most =
                                                                     larger(most, magnitude<L>(x));
                                                               });
    const auto done = in_register(most);  // or GCC keeps `most` in memory all the time
    memcpy(maxima + n, &done, sizeof done);
    n += L::width;
    all = larger(all, most);
  }
  largest = lanes_largest(all);
  return n;
}

// The next block is asked for while this one is looked through: otherwise memory would have nothing
// to do meanwhile.
GRADMINT_RULE void ask_for_next_block(const EncodeTile& tile, std::size_t c) {
  if constexpr (Narrow::width > 1) {
    if (c % 16 != 0) return;
    const auto address = reinterpret_cast<std::uintptr_t>(tile.values + c) + 4 * kTopKBlock;
    __builtin_prefetch(reinterpret_cast<const void*>(address));
  }
}

#if defined(GRADMINT_LEVEL_AVX512)
// Sixteen places at a time, whatever their number; room for a vector behind the last.
GRADMINT_RULE void write_many_places(std::uint64_t mask, std::int32_t first, std::int32_t* places) {
  __m512i here =
      _mm512_add_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                       _mm512_set1_epi32(first));
  for (; mask != 0; mask >>= 16, here = _mm512_add_epi32(here, _mm512_set1_epi32(16))) {
    const auto part = static_cast<__mmask16>(mask);
    _mm512_storeu_si512(places, _mm512_maskz_compress_epi32(part, here));
    places += __builtin_popcount(part);
  }
}
#endif

// Numbers of the ones of `mask`, from `base` up. A few are written whether they are there or not:
// most often there are no more, and a loop over them would end where the processor does not expect.
GRADMINT_RULE std::size_t write_places(std::uint64_t mask, std::size_t base, std::int32_t* places) {
  constexpr std::uint64_t kLast = std::uint64_t{1} << 63;
  const auto n = static_cast<std::size_t>(__builtin_popcountll(mask));
  const auto first = static_cast<std::int32_t>(base);
  [[maybe_unused]] const std::uint64_t all = mask;
  for (std::size_t i = 0; i < kWrittenAnyway; ++i, mask &= mask - 1) {
    places[i] = first + __builtin_ctzll(mask | kLast);
  }
#if defined(GRADMINT_LEVEL_AVX512)
  if (n > kWrittenAnyway) write_many_places(all, first, places);
#else
  for (std::size_t i = kWrittenAnyway; i < n; ++i, mask &= mask - 1) {
    places[i] = first + __builtin_ctzll(mask);
  }
#endif
  return n;
}

// The coordinates whose values reach the bound, in ascending order. Returns how many.
GRADMINT_RULE std::size_t gather(EncodeTile tile, float* values, std::int32_t bound,
                                 std::int32_t* places) {
  using L = Narrow;
  constexpr std::size_t kBits = 64;
  std::size_t n = 0;
  for (std::size_t c = tile.count; c % kBits != 0; ++c) values[c] = 0.0f;
  for (std::size_t c = 0; c < tile.count; c += kBits) {
    std::uint64_t mask = 0;
    for (std::size_t at = 0; at < kBits; at += L::width) {
      ask_for_next_block(tile, c + at);
      const auto size = magnitude<L>(load_all<L::F32>(values + c + at));
      mask |= std::uint64_t{lanes_at_least(size, L::all(bound))} << at;
    }
    if (tile.count - c < kBits) mask &= (std::uint64_t{1} << (tile.count - c)) - 1;
    n += write_places(mask, c, places + n);
  }
  return n;
}

GRADMINT_RULE void read_sizes(const float* values, const std::int32_t* places, std::size_t n,
                              std::int32_t* sizes) {
#if defined(GRADMINT_LEVEL_AVX512)
  for (std::size_t i = 0; i < n; i += 16) {
    const auto rest = static_cast<__mmask16>(n - i < 16 ? (1u << (n - i)) - 1u : 0xffffu);
    const __m512i own = _mm512_maskz_loadu_epi32(rest, places + i);
    const __m512i bits = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), rest, own, values, 4);
    _mm512_storeu_si512(sizes + i, _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff)));
  }
#else
  for (std::size_t i = 0; i < n; ++i) sizes[i] = magnitude<Lanes<1> >(values[places[i]]);
#endif
}

// Of the gathered places, which all reach the bound, those that are kept: above what is found to be
// the last one, and of those on it the first.
GRADMINT_RULE void choose(const float* values, std::int32_t* places, std::size_t n,
                          std::size_t kept, std::int32_t largest, std::int32_t bound,
                          std::int32_t* sizes) {
  read_sizes(values, places, n, sizes);
  fill_up(sizes, n);
  const Reached reached = halve(sizes, n, kept, kept, largest, {bound, n});
  std::size_t on_bound = n;  // that may still be kept
  if (reached.count > kept) on_bound = kept - count_reaching(sizes, n, reached.bound + 1);
  std::size_t j = 0;
#if defined(GRADMINT_LEVEL_AVX512)
  const __m512i bounds = _mm512_set1_epi32(reached.bound);
  for (std::size_t i = 0; i < n; i += 16) {
    const __m512i size = _mm512_loadu_si512(sizes + i);
    std::uint32_t on = _mm512_cmpeq_epi32_mask(size, bounds);
    while (ones_in(on) > on_bound) on &= ~(0x80000000u >> __builtin_clz(on));  // the last ones
    on_bound -= ones_in(on);
    const auto taken = static_cast<__mmask16>(on | _mm512_cmpgt_epi32_mask(size, bounds));
    const __m512i own = _mm512_loadu_si512(places + i);
    _mm512_storeu_si512(places + j, _mm512_maskz_compress_epi32(taken, own));
    j += ones_in(taken);
  }
#else
  for (std::size_t i = 0; i < n; ++i) {
    const bool is_on = sizes[i] == reached.bound;
    const bool is_kept = sizes[i] > reached.bound || (is_on && on_bound > 0);
    on_bound -= is_on && on_bound > 0 ? 1 : 0;
    places[j] = places[i];
    j += is_kept ? 1 : 0;
  }
#endif
}

// What is kept: out of the values, which are what is lost then.
GRADMINT_RULE void write_record(std::byte* record, float* values, const std::int32_t* places,
                                std::size_t kept) {
  std::byte* to = record;
  for (std::size_t j = 0; j + 2 <= kept; j += 2, to += 3) {
    const std::int32_t pair = places[j] | places[j + 1] << 12;
    const auto both = static_cast<std::uint16_t>(pair);
    memcpy(to, &both, 2);
    to[2] = static_cast<std::byte>(pair >> 16);
  }
  if (kept % 2 != 0) {
    const auto last = static_cast<std::uint16_t>(places[kept - 1]);
    memcpy(to, &last, 2);
  }
  std::byte* const kept_values = record + index_bytes(kept);
  for (std::size_t j = 0; j < kept; ++j) {
    memcpy(kept_values + 4 * j, values + places[j], 4);
    values[places[j]] = 0.0f;
  }
}

// One block of at most kTopKBlock values. Returns its largest magnitude; what is written means
// nothing where that is not finite.
template <bool Carried>
GRADMINT_RULE std::int32_t keep_largest(EncodeTile tile) {
  using L = Narrow;
  const std::size_t kept = tile.keep < tile.count ? tile.keep : tile.count;
  alignas(64) float values[kTopKBlock];
  std::int32_t sizes[kSizes];
  std::int32_t places[kSizes];
  std::int32_t largest = 0;
  // Groups of 16 where at most half of their maxima would be kept, then of 4.
  const std::size_t group = kept <= 128 ? 16 : kept <= 512 ? 4 : 1;
  const std::size_t maxima = read_block<Carried>(tile, group, values, sizes, largest);
  if (largest >= kInfinityMagnitude) return largest;
  std::int32_t bound = 0;
  if (kept < tile.count && kept <= maxima) {
    bound = halve(sizes, maxima, kept, kept + kept / 8, largest, {0, maxima}).bound;
  }
  const std::size_t n = gather(tile, values, bound, places);
  if (n > kept) choose(values, places, n, kept, largest, bound, sizes);
  write_record(tile.bytes, values, places, kept);
  for_lanes<L::width>(
      tile.count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        store_past(access, tile.residual + c, access.template load<L::F32>(values + c));
      });
  return largest;
}

}  // namespace
}  // namespace gradmint::kernels
