// Networks of compare-exchanges over P keys, generated at compile time: Batcher's odd-even merge
// sort (K. E. Batcher, "Sorting networks and their applications", 1968), whole, and pruned
// backwards from the two middle places P/2 - 1 and P/2.
//
// n <= P keys are padded. In the pruned network, with floor((P - n) / 2) keys below everything and
// the rest above: then place P/2 - 1 holds the lower median of the n, and for even n place P/2
// holds the upper one. In the whole network, with all of them above: then place i holds the i-th of
// the n.
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

// Exchange e puts the lower of places low[e] and high[e] in low[e]. The first `lower_half` of them
// touch places below P / 2 only, and the next ones, up to the merge of both, the others: so keys
// can be loaded late, and fewer of them wait in registers.
template <int P>
struct Network {
  static constexpr int kCapacity = P * 9;  // Batcher's sort of 64 has 543 exchanges
  std::uint8_t low[kCapacity] = {};
  std::uint8_t high[kCapacity] = {};
  int size = 0;
  int lower_half = 0;

  constexpr void append(int lower, int higher) {
    if (higher < P / 2 && lower_half == size) ++lower_half;
    low[size] = static_cast<std::uint8_t>(lower);
    high[size] = static_cast<std::uint8_t>(higher);
    ++size;
  }
  // Sorted: every `step`-th of the `count` places from `first`, where both halves of those are.
  constexpr void merge(int first, int count, int step) {
    if (2 * step >= count) {
      append(first, first + step);
      return;
    }
    merge(first, count, 2 * step);
    merge(first + step, count, 2 * step);
    for (int i = first + step; i + step < first + count; i += 2 * step) append(i, i + step);
  }
  constexpr void sort(int first, int count) {
    if (count < 2) return;
    sort(first, count / 2);
    sort(first + count / 2, count / 2);
    merge(first, count, 1);
  }
};

template <int P>
constexpr Network<P> sort_network() {
  Network<P> network;
  network.sort(0, P);
  return network;
}

template <int P>
constexpr Network<P> middle_network() {
  const Network<P> whole = sort_network<P>();
  bool wanted[P] = {};
  wanted[P / 2 - 1] = true;
  wanted[P / 2] = true;
  bool kept[Network<P>::kCapacity] = {};
  for (int e = whole.size - 1; e >= 0; --e) {
    if (!wanted[whole.low[e]] && !wanted[whole.high[e]]) continue;
    kept[e] = true;
    wanted[whole.low[e]] = true;
    wanted[whole.high[e]] = true;
  }
  Network<P> network;
  for (int e = 0; e < whole.size; ++e) {
    if (kept[e]) network.append(whole.low[e], whole.high[e]);
  }
  return network;
}

enum class NetworkKind { whole, middle };

template <NetworkKind kKind, int P>
inline constexpr Network<P> kNetwork = kKind == NetworkKind::whole ? sort_network<P>()
                                                                   : middle_network<P>();

}  // namespace gradmint::kernels
