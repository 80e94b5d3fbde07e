// One top_k record at one CPU level (cpu_encode.cc only): which magnitudes of a block are kept, and
// its bytes in index order.
//
// Which ones is a matter of integers: the largest bound that at least `kept` magnitudes reach,
// found by halving the range. To count over 4096 magnitudes for each of up to 31 halvings would
// take most of the time, so the halving runs over the largest of every few values first: where
// `kept` of these reach a bound, so do as many values, and few others do. What reaches it is
// gathered, in index order, and the halving goes on there.
#pragma once

#include "kernels/cpu_encode_lanes.h"
#include "kernels/decode_rule.h"

namespace gradmint::kernels {
namespace {

// Room for a block, or for as many lanes as are stored at once.
constexpr std::size_t kSizes = kTopKBlock + Narrow::width;

// How many of the sizes reach the bound; read in whole vectors, and what fills the last one up is
// -1.
GRADMINT_RULE std::size_t count_reaching(const std::int32_t* sizes, std::size_t n,
                                         std::int32_t bound) {
  using L = Narrow;
  auto counts = L::all(std::int32_t{0});
  for (std::size_t i = 0; i < n; i += L::width) {
    counts = counts + L::one_if(load_all<L::I32>(sizes + i) >= L::all(bound));
  }
  std::int32_t lanes[L::width];
  memcpy(lanes, &counts, sizeof lanes);
  std::int32_t total = 0;
  for (const std::int32_t lane : lanes) total += lane;
  return static_cast<std::size_t>(total);
}

struct Reached {
  std::int32_t bound = 0;
  std::size_t count = 0;  // of the sizes; at least `wanted`
};
// A bound that at least `wanted` of n sizes in [0, largest] reach: the first one found that no more
// than `most` reach, or the largest there is. n >= wanted >= 1.
GRADMINT_RULE Reached bound_reached(const std::int32_t* sizes, std::size_t n, std::size_t wanted,
                                    std::size_t most, std::int32_t largest) {
  Reached low{0, n};
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

// Values to tile.residual, and the largest of every `group` vectors of magnitudes to `maxima`, from
// which 0 fills up a last part. Returns how many those are; `largest` grows.
template <bool Carried>
GRADMINT_RULE std::size_t read_block(const EncodeTile& tile, std::size_t group,
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
                                                                 access.store(
                                                                     tile.residual + first + at, x);
                                                                 most =
                                                                     larger(most, magnitude<L>(x));
                                                               });
    memcpy(maxima + n, &most, sizeof most);
    n += L::width;
    all = larger(all, most);
  }
  largest = largest_lane<L>(all);
  return n;
}

// The coordinates whose values reach the bound, in ascending order. Returns how many.
GRADMINT_RULE std::size_t gather(const float* values, std::size_t count, std::int32_t bound,
                                 std::int32_t* places) {
  using L = Narrow;
  std::size_t n = 0;
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        const auto size = magnitude<L>(access.template load<L::F32>(values + c));
        std::uint32_t reaching = lanes_at_least(size, L::all(bound));
        if (count - c < L::width) reaching &= (1u << (count - c)) - 1u;
#if defined(GRADMINT_LEVEL_AVX512)
        const __m512i lanes =
            _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
        const __m512i here = _mm512_add_epi32(lanes, _mm512_set1_epi32(static_cast<int>(c)));
        _mm512_storeu_si512(places + n,
                            _mm512_maskz_compress_epi32(static_cast<__mmask16>(reaching), here));
        n += static_cast<std::size_t>(__builtin_popcount(reaching));
#else
        for (; reaching != 0; reaching &= reaching - 1) {
          places[n++] = static_cast<std::int32_t>(c) + __builtin_ctz(reaching);
        }
#endif
      });
  return n;
}

// Of the gathered places those that are kept: above the bound, and of those on it the first.
GRADMINT_RULE void choose(const EncodeTile& tile, std::int32_t* places, std::size_t n,
                          std::size_t kept, std::int32_t largest, std::int32_t* sizes) {
  for (std::size_t i = 0; i < n; ++i) {
    sizes[i] = magnitude<Lanes<1>>(tile.residual[places[i]]);
  }
  fill_up(sizes, n);
  const Reached reached = bound_reached(sizes, n, kept, kept, largest);
  std::size_t on_bound = n;  // that may still be kept
  if (reached.count > kept) on_bound = kept - count_reaching(sizes, n, reached.bound + 1);
  std::size_t j = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const bool is_on = sizes[i] == reached.bound;
    const bool is_kept = sizes[i] > reached.bound || (is_on && on_bound > 0);
    on_bound -= is_on && on_bound > 0 ? 1 : 0;
    places[j] = places[i];
    j += is_kept ? 1 : 0;
  }
}

GRADMINT_RULE void write_record(const EncodeTile& tile, const std::int32_t* places,
                                std::size_t kept) {
  std::byte* to = tile.bytes;
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
  std::byte* const values = tile.bytes + index_bytes(kept);
  for (std::size_t j = 0; j < kept; ++j) {
    float* const x = tile.residual + places[j];
    memcpy(values + 4 * j, x, 4);
    *x = 0.0f;
  }
}

// One block of at most kTopKBlock values. Returns its largest magnitude; what is written means
// nothing where that is not finite.
template <bool Carried>
GRADMINT_RULE std::int32_t keep_largest(const EncodeTile& tile) {
  const std::size_t kept = tile.keep < tile.count ? tile.keep : tile.count;
  std::int32_t sizes[kSizes];
  std::int32_t places[kSizes];
  std::int32_t largest = 0;
  // Groups of 16 where at most half of their maxima would be kept, then of 4.
  const std::size_t group = kept <= 128 ? 16 : kept <= 512 ? 4 : 1;
  const std::size_t maxima = read_block<Carried>(tile, group, sizes, largest);
  if (largest >= kInfinityMagnitude) return largest;
  std::int32_t bound = 0;
  if (kept < tile.count && kept <= maxima) {
    bound = bound_reached(sizes, maxima, kept, kept + kept / 8, largest).bound;
  }
  const std::size_t n = gather(tile.residual, tile.count, bound, places);
  if (n > kept) choose(tile, places, n, kept, largest, sizes);
  write_record(tile, places, kept);
  return largest;
}

}  // namespace
}  // namespace gradmint::kernels
