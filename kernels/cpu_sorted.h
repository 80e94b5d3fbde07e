// The tile functions of one CPU level for the rules of sorted_rule.h (cpu_kernels.cc only).
//
// The versions tried and what each gained: sorted_rule.h. Tried since for the trimmed mean (as in
// cpu_median.h; 67 % as it is): rows asked for 1, 4 or 8 KiB ahead: 56, 55, 55 %; the other two
// hints: 70 and 68 %, where this one had 70; large pages: 70 %, where small ones had 73. Bound: as
// the median, and for what is nearest to it the window, which is moved in memory.
#pragma once

#include "kernels/cpu_kernels.h"
#include "kernels/cpu_lanes.h"
#include "kernels/cpu_mean.h"
#include "kernels/cpu_network.h"
#include "kernels/sorted_rule.h"

namespace gradmint::kernels {
namespace {

// Sorts behind every value, NaN among them, so that the ends of what was read are the ends of what
// is sorted.
struct LastRow {
  std::int32_t keys[kMedianTile];
  constexpr LastRow() : keys{} {
    for (std::int32_t& key : keys) key = 0x7fffffff;
  }
};
constexpr LastRow kLast;

// `n` rows in ascending order, a group of coordinates at a time.
template <int P>
struct SortedRows {
  const float* padded[P];

  GRADMINT_RULE SortedRows(const float* const* rows, std::size_t n) {
    for (std::size_t i = 0; i < P; ++i) {
      padded[i] = i < n ? rows[i] : reinterpret_cast<const float*>(kLast.keys);
    }
  }
  // The sorted keys of one Narrow group.
  template <class Access>
  GRADMINT_RULE void sort(std::size_t c, Access access, Narrow::I32 (&keys)[P]) const {
    load_and_order<NetworkKind::whole>(
        keys, [&](int i) __attribute__((always_inline)) {
          keys[i] = key_of<Narrow>(read_row(padded[i], c, access));
        });
  }
};

// Sums what it keeps while it is in registers. The conditions on places are the same for every
// group, so they are predicted.
template <int P>
std::int32_t network_trimmed(const float* const* rows, std::size_t n, std::size_t count,
                             const KeptRule& rule, float* lower, float* upper, float* delta) {
  using L = Narrow;
  const SortedRows<P> sorted_rows(rows, n);
  const int first = static_cast<int>(rule.dropped);
  const int last = static_cast<int>(n - rule.dropped) - 1;
  const int end = static_cast<int>(n) - 1;
  const double unit = rule.unit;
  L::I32 largest = L::all(std::int32_t{0});
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        L::I32 keys[P];
        sorted_rows.sort(c, access, keys);
        Wide::U64 sums[kHalves]{};
#pragma GCC unroll 64
        for (int place = 0; place < P; ++place) {
          const auto value = value_of<L>(keys[place]);
          if (place == 0 || place == end) largest = larger(largest, magnitude<L>(value));
          if (place < first || place > last) continue;
          if (place == first) Whole{}.store(lower + c, value);
          if (place == last) Whole{}.store(upper + c, value);
          for (int half = 0; half < kHalves; ++half) {
            sums[half] = sums[half] + biased_unit_term<Wide>(half_of(value, half), unit);
          }
        }
        for (int half = 0; half < kHalves; ++half) {
          Whole{}.store(delta + c + half * Wide::width, finish_mean<Wide>(sums[half], rule.finish));
        }
      });
  return largest_lane<L>(largest);
}

// The window's places depend on the data: a few groups are sorted into memory first, and then read
// again from there.
constexpr std::size_t kSortedTile = 64;

template <int P>
GRADMINT_RULE void keep_nearest_sorted(const float (*sorted)[kSortedTile], std::size_t n,
                                       std::size_t count, const KeptRule& rule, float* lower,
                                       float* upper, float* delta) {
  using L = Wide;
  for (std::size_t c = 0; c < count; c += L::width) {
    const auto kept = keep_nearest<L>(
        static_cast<int>(n), static_cast<int>(rule.kept),
        rule.unit, [&](int place) __attribute__((always_inline)) {
          return load_all<L::F32>(sorted[place] + c);
        });
    Whole{}.store(delta + c, finish_mean<L>(kept.sum, rule.finish));
    Whole{}.store(lower + c, kept.lowest);
    Whole{}.store(upper + c, kept.highest);
  }
}

template <int P>
std::int32_t network_nearest(const float* const* rows, std::size_t n, std::size_t count,
                             const KeptRule& rule, float* lower, float* upper, float* delta) {
  using L = Narrow;
  const SortedRows<P> sorted_rows(rows, n);
  L::I32 largest = L::all(std::int32_t{0});
  float sorted[P][kSortedTile];
  for (std::size_t begin = 0; begin < count; begin += kSortedTile) {
    const std::size_t size = count - begin < kSortedTile ? count - begin : kSortedTile;
    for_lanes<L::width>(
        size, [&](std::size_t c, auto access) __attribute__((always_inline)) {
          L::I32 keys[P];
          sorted_rows.sort(begin + c, access, keys);
#pragma GCC unroll 64
          for (int place = 0; place < P; ++place) {
            Whole{}.store(sorted[place] + c, value_of<L>(keys[place]));
          }
          largest = larger(largest, magnitude<L>(load_all<L::F32>(sorted[0] + c)));
          largest = larger(largest, magnitude<L>(load_all<L::F32>(sorted[n - 1] + c)));
        });
    keep_nearest_sorted<P>(sorted, n, size, rule, lower + begin, upper + begin, delta + begin);
  }
  return largest_lane<L>(largest);
}

template <bool kNearest>
std::int32_t bisected_kept(const float* const* rows, std::size_t n, std::size_t count,
                           const KeptRule& rule, float* lower, float* upper, float* delta,
                           std::int32_t* scratch) {
  using L = Wide;
  const int total = static_cast<int>(n);
  const int kept = static_cast<int>(rule.kept);
  L::I32 largest = L::all(std::int32_t{0});
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        largest = store_keys<L>(rows, n, c, access, scratch, largest);
        const auto key_at = [&](int i) __attribute__((always_inline)) {
          return load_all<L::I32>(scratch + static_cast<std::size_t>(i) * L::width);
        };
        KeptRange<L> range;
        if constexpr (kNearest) {
          range = nearest_range<L>(total, kept, key_at);
        } else {
          range = trimmed_range<L>(total, static_cast<int>(rule.dropped), key_at);
        }
        const auto sum = sum_within<L>(total, kept, range, rule.unit, key_at);
        Whole{}.store(delta + c, finish_mean<L>(sum, rule.finish));
        Whole{}.store(lower + c, range.lowest);
        Whole{}.store(upper + c, range.highest);
      });
  return largest_lane<L>(largest);
}

template <int P, bool kNearest>
std::int32_t network_kept(const float* const* rows, std::size_t n, std::size_t count,
                          const KeptRule& rule, float* lower, float* upper, float* delta) {
  if constexpr (kNearest) {
    return network_nearest<P>(rows, n, count, rule, lower, upper, delta);
  } else {
    return network_trimmed<P>(rows, n, count, rule, lower, upper, delta);
  }
}

template <bool kNearest>
std::int32_t kept_mean(const float* const* rows, std::size_t n, std::size_t count,
                       const KeptRule& rule, float* lower, float* upper, float* delta,
                       std::int32_t* scratch) {
  if (n > kLargestNetwork) {
    return bisected_kept<kNearest>(rows, n, count, rule, lower, upper, delta, scratch);
  }
  switch (network_width(static_cast<int>(n))) {
    case 4:
      return network_kept<4, kNearest>(rows, n, count, rule, lower, upper, delta);
    case 8:
      return network_kept<8, kNearest>(rows, n, count, rule, lower, upper, delta);
    case 16:
      return network_kept<16, kNearest>(rows, n, count, rule, lower, upper, delta);
    case 32:
      return network_kept<32, kNearest>(rows, n, count, rule, lower, upper, delta);
    default:
      return network_kept<64, kNearest>(rows, n, count, rule, lower, upper, delta);
  }
}

}  // namespace
}  // namespace gradmint::kernels
