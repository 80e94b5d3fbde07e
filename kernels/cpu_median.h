// The median's tile functions of one CPU level (cpu_kernels.cc only).
//
// The versions tried and what each gained: median_rule.h. Tried since, without a gain (AVX-512, 16
// updates, one thread, shares of the run's memcpy, medians of 3 runs; 69 % as it is): rows asked
// for 1, 4 or 8 KiB ahead instead of 2: 68, 63, 63 %; asked for into the second-level cache, or as
// what is not used again: 71 and 68 %, in runs where this one had 67; rows in large pages: 69 %
// where small ones had 73. Rows that begin at different places of their pages are 5 to 8 % faster
// than rows at the same one, where 16 lines compete for the 12 that the first-level cache has room
// for; where rows lie is the caller's affair, and files are mapped at pages. Bound: reading takes
// 24.5 of 30 to 33 ms (cpu_mean.h), which is 85 % of memcpy, the network 11, half of it meanwhile.
#pragma once

#include "kernels/cpu_kernels.h"
#include "kernels/cpu_lanes.h"
#include "kernels/cpu_network.h"
#include "kernels/median_rule.h"

namespace gradmint::kernels {
namespace {

constexpr PaddingRow kBelow(-__FLT_MAX__);
constexpr PaddingRow kAbove(__FLT_MAX__);

template <int P>
std::int32_t network_middle(const float* const* rows, std::size_t n, std::size_t count,
                            float* lower, float* upper) {
  using L = Narrow;
  const float* padded[P];
  pad_rows(rows, n, kBelow.values, kAbove.values, padded);
  L::I32 largest = L::all(std::int32_t{0});
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        L::I32 keys[P];
        load_and_order<NetworkKind::middle>(
            keys, [&](int i) __attribute__((always_inline)) {
              const auto x = read_row(padded[i], c, access);
              largest = larger(largest, magnitude<L>(x));
              keys[i] = key_of<L>(x);
            });
        const auto low = value_of<L>(keys[P / 2 - 1]);
        Whole{}.store(lower + c, low);
        Whole{}.store(upper + c, n % 2 == 0 ? value_of<L>(keys[P / 2]) : low);
      });
  return largest_lane<L>(largest);
}

std::int32_t bisected_middle(const float* const* rows, std::size_t n, std::size_t count,
                             float* lower, float* upper, std::int32_t* scratch) {
  using L = Narrow;
  L::I32 largest = L::all(std::int32_t{0});
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        largest = store_keys<L>(rows, n, c, access, scratch, largest);
        L::I32 low;
        L::I32 high;
        bisect_middle<L>(
            static_cast<int>(n),
            [&](int i) __attribute__((always_inline)) {
              return load_all<L::I32>(scratch + static_cast<std::size_t>(i) * L::width);
            },
            low, high);
        Whole{}.store(lower + c, value_of<L>(low));
        Whole{}.store(upper + c, value_of<L>(high));
      });
  return largest_lane<L>(largest);
}

std::int32_t middle(const float* const* rows, std::size_t n, std::size_t count, float* lower,
                    float* upper, std::int32_t* scratch) {
  if (n > kLargestNetwork) return bisected_middle(rows, n, count, lower, upper, scratch);
  switch (network_width(static_cast<int>(n))) {
    case 4:
      return network_middle<4>(rows, n, count, lower, upper);
    case 8:
      return network_middle<8>(rows, n, count, lower, upper);
    case 16:
      return network_middle<16>(rows, n, count, lower, upper);
    case 32:
      return network_middle<32>(rows, n, count, lower, upper);
    default:
      return network_middle<64>(rows, n, count, lower, upper);
  }
}

void mean_of_middle(const float* lower, const float* upper, std::size_t count, float* median) {
  using L = Wide;
  for (std::size_t c = 0; c < count; c += L::width) {
    Whole{}.store(median + c,
                  middle_mean<L>(load_all<L::F32>(lower + c), load_all<L::F32>(upper + c)));
  }
}

std::size_t count_outside(const float* row, const float* lower, const float* upper,
                          std::size_t count) {
  return count_outside_of(row, lower, upper, count);
}

}  // namespace
}  // namespace gradmint::kernels
