// Networks of compare-exchanges that put the two middle values of P keys in places P/2 - 1 and P/2,
// in order. Generated at compile time: Batcher's odd-even merge sort (K. E. Batcher, "Sorting
// networks and their applications", 1968), pruned backwards from the two wanted outputs.
//
// n <= P keys are padded with floor((P - n) / 2) keys below and the rest above everything. Then
// place P/2 - 1 holds the lower median of the n, and for even n place P/2 holds the upper one.
#pragma once

#include <cstdint>

namespace gradmint::kernels {

inline constexpr int kLargestNetwork = 64;

// The smallest network that takes n keys, 1 <= n <= kLargestNetwork.
constexpr int network_width(int n) {
  int width = 4;
  while (width < n) width *= 2;
  return width;
}
constexpr int padding_below(int n) { return (network_width(n) - n) / 2; }

template <int P>
struct MiddleNetwork {
  static constexpr int kCapacity = P * 9;  // Batcher's sort of 64 has 543 exchanges
  std::uint8_t low[kCapacity] = {};
  std::uint8_t high[kCapacity] = {};
  int size = 0;

  constexpr MiddleNetwork() {
    std::uint8_t all_low[kCapacity] = {};
    std::uint8_t all_high[kCapacity] = {};
    int total = 0;
    for (int p = 1; p < P; p *= 2) {
      for (int k = p; k >= 1; k /= 2) {
        for (int j = k % p; j + k < P; j += 2 * k) {
          for (int i = 0; i < k && i + j + k < P; ++i) {
            if ((i + j) / (2 * p) != (i + j + k) / (2 * p)) continue;
            all_low[total] = static_cast<std::uint8_t>(i + j);
            all_high[total] = static_cast<std::uint8_t>(i + j + k);
            ++total;
          }
        }
      }
    }
    bool wanted[P] = {};
    wanted[P / 2 - 1] = true;
    wanted[P / 2] = true;
    bool kept[kCapacity] = {};
    for (int e = total - 1; e >= 0; --e) {
      if (!wanted[all_low[e]] && !wanted[all_high[e]]) continue;
      kept[e] = true;
      wanted[all_low[e]] = true;
      wanted[all_high[e]] = true;
    }
    for (int e = 0; e < total; ++e) {
      if (!kept[e]) continue;
      low[size] = all_low[e];
      high[size] = all_high[e];
      ++size;
    }
  }
};

template <int P>
inline constexpr MiddleNetwork<P> kMiddleNetwork{};

}  // namespace gradmint::kernels
