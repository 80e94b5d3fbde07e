// Networks over rows in memory (cpu_kernels.cc and the cpu_*.h files it includes only).
#pragma once

#include "kernels/cpu_kernels.h"
#include "kernels/cpu_rows.h"
#include "kernels/median_rule.h"

namespace gradmint::kernels {
namespace {

// Padding is a row of its own, read like the others, so that loading needs no branch.
struct PaddingRow {
  float values[kMedianTile];
  constexpr explicit PaddingRow(float value) : values{} {
    for (float& each : values) each = value;
  }
};

// The middle network's rows: half of the padding below the `n`, half above (selection_network.h).
// The largest finite values serve as well as infinities: what ties with them is equal to them.
template <std::size_t P, class Row>
GRADMINT_RULE void pad_rows(const Row* rows, std::size_t n, Row below, Row above,
                            Row (&padded)[P]) {
  const auto first = static_cast<std::size_t>(padding_below(static_cast<int>(n)));
  for (std::size_t i = 0; i < P; ++i) {
    padded[i] = i < first ? below : i < first + n ? rows[i - first] : above;
  }
}

// The keys of coordinates c, c + 1, ... of `n` rows, for bisection; the largest magnitude so far.
template <class L, class Access>
GRADMINT_RULE typename L::I32 store_keys(const float* const* rows, std::size_t n, std::size_t c,
                                         Access access, std::int32_t* keys,
                                         typename L::I32 largest) {
  for (std::size_t i = 0; i < n; ++i) {
    const auto x = access.template load<typename L::F32>(rows[i] + c);
    largest = larger(largest, magnitude<L>(x));
    Whole{}.store(keys + i * L::width, key_of<L>(x));
  }
  return largest;
}

// Applies a network to keys that load(i) puts in place, each half when its turn comes.
template <NetworkKind kKind, int P, class V, class Load>
GRADMINT_RULE void load_and_order(V (&keys)[P], Load load) {
  constexpr int kLowerHalf = kNetwork<kKind, P>.lower_half;
#pragma GCC unroll 64
  for (int i = 0; i < P / 2; ++i) load(i);
  apply_network<kKind, 0, kLowerHalf>(keys);
#pragma GCC unroll 64
  for (int i = P / 2; i < P; ++i) load(i);
  apply_network<kKind, kLowerHalf, kNetwork<kKind, P>.size>(keys);
}

}  // namespace
}  // namespace gradmint::kernels
