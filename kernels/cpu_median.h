// The median's tile functions of one CPU level (cpu_level.cc only).
#pragma once

#include "kernels/cpu_kernels.h"
#include "kernels/cpu_lanes.h"
#include "kernels/cpu_network.h"
#include "kernels/median_rule.h"

namespace gradmint::kernels {
namespace {

// Padding is a row of its own, read like the others, so that loading needs no branch. The largest
// finite values serve as well as infinities: what ties with them is equal to them.
struct PaddingRow {
  float values[kMedianTile];
  constexpr explicit PaddingRow(float value) : values{} {
    for (float& each : values) each = value;
  }
};
constexpr PaddingRow kBelow(-__FLT_MAX__);
constexpr PaddingRow kAbove(__FLT_MAX__);

template <int P>
std::int32_t network_middle(const float* const* rows, std::size_t n, std::size_t count,
                            float* lower, float* upper) {
  using L = Narrow;
  const float* padded[P];
  const std::size_t first = static_cast<std::size_t>(padding_below(static_cast<int>(n)));
  for (std::size_t i = 0; i < P; ++i) {
    padded[i] = i < first ? kBelow.values : i < first + n ? rows[i - first] : kAbove.values;
  }
  L::I32 largest = L::all(std::int32_t{0});
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        L::I32 keys[P];
        load_and_order<NetworkKind::middle>(
            keys, [&](int i) __attribute__((always_inline)) {
              ask_ahead(padded[i], c);
              const auto x = in_register(access.template load<L::F32>(padded[i] + c));
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
        for (std::size_t i = 0; i < n; ++i) {
          const auto x = access.template load<L::F32>(rows[i] + c);
          largest = larger(largest, magnitude<L>(x));
          Whole{}.store(scratch + i * L::width, key_of<L>(x));
        }
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
  using L = Narrow;
  auto outside = L::all(std::int32_t{0});
  for_lanes<L::width>(
      count, [&](std::size_t c, auto access) __attribute__((always_inline)) {
        const auto low = access.template load<L::F32>(lower + c);
        const auto high = access.template load<L::F32>(upper + c);
        const auto x = access.template load<L::F32>(row + c);
        outside = outside + L::one_if(x < low) + L::one_if(high < x);
      });
  std::int32_t lanes[L::width];
  memcpy(lanes, &outside, sizeof lanes);
  std::size_t total = 0;
  for (int i = 0; i < L::width; ++i) total += static_cast<std::size_t>(lanes[i]);
  return total;
}

}  // namespace
}  // namespace gradmint::kernels
