// The tile functions of one CPU level for the rules of sorted_rule.h (cpu_level.cc only).
#pragma once

#include "kernels/cpu_kernels.h"
#include "kernels/cpu_lanes.h"
#include "kernels/cpu_median.h"
#include "kernels/sorted_rule.h"

namespace gradmint::kernels {
namespace {

constexpr int kHalves = Narrow::width / Wide::width;

// A lane group of Narrow values in memory, read by halves for fp64 work.
GRADMINT_RULE Wide::F32 load_half(const float* group, int half) {
  return load_all<Wide::F32>(group + half * Wide::width);
}

GRADMINT_RULE void finish_half(const KeptRule& rule, Wide::U64 sum, int half, float* delta) {
  Whole{}.store(delta + half * Wide::width, finish_mean<Wide>(sum, rule.finish));
}

// `sorted` holds the place-th value of each lane at [place].
GRADMINT_RULE void trim_sorted(const float (*sorted)[Narrow::width], std::size_t n,
                               const KeptRule& rule, float* lower, float* upper, float* delta) {
  for (int half = 0; half < kHalves; ++half) {
    Wide::U64 sum{};
    for (std::size_t place = rule.dropped; place < n - rule.dropped; ++place) {
      sum = sum + biased_term<Wide>(load_half(sorted[place], half), rule.unit);
    }
    finish_half(rule, sum, half, delta);
  }
  memcpy(lower, sorted[rule.dropped], sizeof sorted[0]);
  memcpy(upper, sorted[n - 1 - rule.dropped], sizeof sorted[0]);
}

GRADMINT_RULE void keep_nearest_sorted(const float (*sorted)[Narrow::width], std::size_t n,
                                       const KeptRule& rule, float* lower, float* upper,
                                       float* delta) {
  for (int half = 0; half < kHalves; ++half) {
    const auto kept = keep_nearest<Wide>(
        static_cast<int>(n), static_cast<int>(rule.kept),
        rule.unit, [&](int place) __attribute__((always_inline)) {
          return load_half(sorted[place], half);
        });
    finish_half(rule, kept.sum, half, delta);
    Whole{}.store(lower + half * Wide::width, kept.lowest);
    Whole{}.store(upper + half * Wide::width, kept.highest);
  }
}

template <int P, bool kNearest>
std::int32_t network_kept(const float* const* rows, std::size_t n, std::size_t count,
                          const KeptRule& rule, float* lower, float* upper, float* delta) {
  using L = Narrow;
  const float* padded[P];
  for (std::size_t i = 0; i < P; ++i) padded[i] = i < n ? rows[i] : kAbove.values;
  L::I32 largest = L::all(std::int32_t{0});
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        L::F32 values[P];
#pragma GCC unroll 64
        for (std::size_t i = 0; i < P; ++i) {
          values[i] = access.template load<L::F32>(padded[i] + c);
          if (i < n) largest = larger(largest, magnitude<L>(values[i]));
        }
        sort_all<P>(values);
        float sorted[P][L::width];
#pragma GCC unroll 64
        for (int i = 0; i < P; ++i) Whole{}.store(sorted[i], values[i]);
        if constexpr (kNearest) {
          keep_nearest_sorted(sorted, n, rule, lower + c, upper + c, delta + c);
        } else {
          trim_sorted(sorted, n, rule, lower + c, upper + c, delta + c);
        }
      });
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
        for (std::size_t i = 0; i < n; ++i) {
          const auto x = access.template load<L::F32>(rows[i] + c);
          largest = larger(largest, magnitude<L>(x));
          Whole{}.store(scratch + i * L::width, key_of<L>(x));
        }
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
        finish_half(rule, sum, 0, delta + c);
        Whole{}.store(lower + c, range.lowest);
        Whole{}.store(upper + c, range.highest);
      });
  return largest_lane<L>(largest);
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
