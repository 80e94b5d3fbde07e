// Rules that keep some of the sorted values of a coordinate and take their mean (design: the
// numeric law, order statistics):
//
//   trimmed mean        the sorted values without the `dropped` lowest and highest
//   nearest to median   the window of `kept` sorted values nearest to the median (median_rule.h, as
//                       fp32): it starts at place 0 and moves up by one for as long as the value it
//                       would gain is nearer than the one it would lose, in fp64 differences, so
//                       that a tie stays with the lower value
//
// What is kept is summed exactly, as the mean is: a term is round to nearest even(fp64(x) * unit),
// unit = 2^s with |x| <= 2^E <= 2^(51 - s). The result is defined by the values kept, so ties and
// the way of finding them make no difference.
//
// Up to 64 values: the whole sorting network (selection_network.h), over floats. More: bisection
// over the bits of the key for single places (two at once share a reading of the keys), then the
// sum over all of them clamped to what is kept, less the clamped ones: below * term(lowest) and
// above * term(highest). The window's start is found by binary search, since the gains only grow
// and the losses only shrink as it moves up.
//
// Tried on the CPU (trimmed mean, 16 updates less 3 per side, one thread, shares of the run's
// memcpy, a busy machine) in a loop of its own, AVX-512: sorted values stored and read again in
// fp64 halves 57 %; stored for a tile of 512 59 %, of 128 68 %; summed while in registers 74 to 82
// %; with GCC's conversions replaced (lanes.h) 85 %, and with a fused multiply-add, whose product
// is exact here, 93 %: taken where AVX-512 is, since AVX2 alone has none. The whole pass before
// that: 70 to 82 % (5 runs), bounded by reading memory. AVX2: 34 to 37 % at first, 53 to 58 % in
// the loop, its whole pass 42 % (one run), bounded by the sum. Nearest to the median: 40 % at
// first, 51 to 60 % in the whole pass, bounded by its window.
#pragma once

#include "kernels/lanes.h"
#include "kernels/mean_rule.h"
#include "kernels/median_rule.h"
#include "kernels/selection_network.h"

namespace gradmint::kernels {

template <int P, class V>
GRADMINT_RULE void sort_all(V (&values)[P]) {
  apply_network<NetworkKind::whole, 0, kNetwork<NetworkKind::whole, P>.size>(values);
}

// Whether the window moves up: `next`, the value it would gain, is nearer to the median than
// `first`, the one it would lose. Per lane, as the condition of a ?:.
template <class L>
GRADMINT_RULE auto is_nearer(typename L::F64 median, typename L::F64 first, typename L::F64 next) {
  return (next - median) < (median - first);
}

// What a rule keeps of a coordinate: the sum of its biased terms, and its ends.
template <class L>
struct Kept {
  typename L::U64 sum;
  typename L::F32 lowest;
  typename L::F32 highest;
};

// The window of `kept` in [1, n] of n sorted values; value_at(place) gives them.
template <class L, class ValueAt>
GRADMINT_RULE Kept<L> keep_nearest(int n, int kept, double unit, ValueAt value_at) {
  const auto median = L::widen(middle_mean<L>(value_at((n - 1) / 2), value_at(n / 2)));
  typename L::U64 sum{};
  for (int place = 0; place < kept; ++place) sum = sum + biased_unit_term<L>(value_at(place), unit);
  auto lowest = L::widen(value_at(0));
  auto highest = L::widen(value_at(kept - 1));
  for (int start = 0; start + kept < n; ++start) {
    const auto lost = value_at(start);
    const auto gained = value_at(start + kept);
    const auto moves = is_nearer<L>(median, L::widen(lost), L::widen(gained));
    const auto moved = sum + (biased_unit_term<L>(gained, unit) - biased_unit_term<L>(lost, unit));
    sum = moves ? moved : sum;
    lowest = moves ? L::widen(value_at(start + 1)) : lowest;
    highest = moves ? L::widen(gained) : highest;
  }
  return {sum, L::narrow(lowest), L::narrow(highest)};
}

// The keys at K places, each in [0, n), of n unsorted keys; key_at(i) gives them.
template <class L, int K, class KeyAt>
GRADMINT_RULE void bisect_places(int n, const typename L::I32 (&places)[K], KeyAt key_at,
                                 typename L::I32 (&keys)[K]) {
  using I32 = typename L::I32;
  const std::int32_t sign = static_cast<std::int32_t>(0x80000000u);
  // The largest r, in unsigned order, with at most `place` keys below it.
  for (int k = 0; k < K; ++k) keys[k] = L::all(std::int32_t{0});
  for (int bit = 31; bit >= 0; --bit) {
    const std::int32_t step = static_cast<std::int32_t>(1u << bit);
    I32 candidates[K];
    I32 below[K];
    for (int k = 0; k < K; ++k) {
      candidates[k] = (keys[k] | step) ^ sign;
      below[k] = L::all(std::int32_t{0});
    }
    for (int i = 0; i < n; ++i) {
      const I32 key = key_at(i);
      for (int k = 0; k < K; ++k) below[k] = below[k] + L::one_if(key < candidates[k]);
    }
    for (int k = 0; k < K; ++k) keys[k] = below[k] <= places[k] ? (keys[k] | step) : keys[k];
  }
  for (int k = 0; k < K; ++k) keys[k] = keys[k] ^ sign;
}

// The ends of what is kept of n unsorted keys, and how many sorted places lie below it.
template <class L>
struct KeptRange {
  typename L::F32 lowest;
  typename L::F32 highest;
  typename L::I32 below;
};

template <class L, class KeyAt>
GRADMINT_RULE KeptRange<L> range_between(int n, typename L::I32 below, int kept, KeyAt key_at) {
  const typename L::I32 places[2] = {below, below + (kept - 1)};
  typename L::I32 keys[2];
  bisect_places<L>(n, places, key_at, keys);
  return {value_of<L>(keys[0]), value_of<L>(keys[1]), below};
}

template <class L, class KeyAt>
GRADMINT_RULE KeptRange<L> trimmed_range(int n, int dropped, KeyAt key_at) {
  return range_between<L>(n, L::all(static_cast<std::int32_t>(dropped)), n - 2 * dropped, key_at);
}

template <class L, class KeyAt>
GRADMINT_RULE KeptRange<L> nearest_range(int n, int kept, KeyAt key_at) {
  using I32 = typename L::I32;
  I32 lower;
  I32 upper;
  bisect_middle<L>(n, key_at, lower, upper);
  const auto median = L::widen(middle_mean<L>(value_of<L>(lower), value_of<L>(upper)));
  // The window's start lies in [start, end].
  I32 start = L::all(std::int32_t{0});
  I32 end = L::all(static_cast<std::int32_t>(n - kept));
  for (int width = n - kept; width > 0; width /= 2) {
    const I32 middle = (start + end) / 2;
    const I32 tried = smaller(middle, L::all(static_cast<std::int32_t>(n - kept - 1)));
    const I32 places[2] = {tried, tried + kept};
    I32 keys[2];
    bisect_places<L>(n, places, key_at, keys);
    const I32 moves = L::one_if_wide(
        is_nearer<L>(median, L::widen(value_of<L>(keys[0])), L::widen(value_of<L>(keys[1]))));
    const I32 open = L::one_if(start < end);
    start = (open & moves) != 0 ? middle + 1 : start;
    end = (open & (moves ^ 1)) != 0 ? middle : end;
  }
  return range_between<L>(n, start, kept, key_at);
}

// The sum of the biased terms of what is kept of n unsorted keys.
template <class L, class KeyAt>
GRADMINT_RULE typename L::U64 sum_within(int n, int kept, const KeptRange<L>& range, double unit,
                                         KeyAt key_at) {
  typename L::U64 sum{};
  for (int i = 0; i < n; ++i) {
    const auto value = smaller(larger(value_of<L>(key_at(i)), range.lowest), range.highest);
    sum = sum + biased_unit_term<L>(value, unit);
  }
  const auto below = bit_copy<typename L::U64>(L::widen_integer(range.below));
  const auto above = static_cast<std::uint64_t>(n - kept) - below;
  return sum - below * biased_unit_term<L>(range.lowest, unit) -
         above * biased_unit_term<L>(range.highest, unit);
}

}  // namespace gradmint::kernels
