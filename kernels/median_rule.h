// Coordinate-wise median, per coordinate (design: the numeric law, order statistics). Defined by
// which values are chosen: of n values in the total order of `order_key`, the one at place
// floor((n - 1) / 2) and, for even n, the next one b: fp32((fp64(a) + fp64(b)) / 2). -0 becomes +0.
//
// Up to 64 updates: a pruned sorting network held in registers (selection_network.h). More:
// bisection over the 32 bits of the key, which needs no room but the keys. Both choose the same
// values.
//
// Tried on the CPU (16 updates, one thread, shares of the run's memcpy, a busy machine on which
// memcpy itself went from 25 to 36 GB/s), first in a loop of its own, AVX-512: the network alone,
// in the first-level cache, takes 11 ms; with memory 80 % of memcpy, with rows asked for 2 KiB
// ahead 88 to 93 %. Floats in place of keys: 13 ms in cache. Tiles of 1024 and 2048: no difference.
// The whole pass: 53 to 58 % with rows asked for ahead but tiles beginning where a std::vector
// does, 16 bytes into a cache line; 70 to 88 % (5 runs) since tiles begin at cache lines, GCC reads
// each row once instead of three times, and the step asks ahead. These three were changed together:
// which of them counts, and whether they are why AVX-512 was slower than AVX2, was not measured one
// by one. Bound: memory. AVX2: 65 % with rows asked for ahead, 74 % with the second half loaded
// late (16 keys do not fit 16 registers); its whole pass 68 % (one run); bound: the exchanges, 25
// to 35 ms in cache.
#pragma once

#include "kernels/lanes.h"
#include "kernels/selection_network.h"

namespace gradmint::kernels {

// An integer that orders finite floats (and puts -0 just below +0). Its own inverse.
template <class I>
GRADMINT_RULE I order_key(I bits) {
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

template <class L>
GRADMINT_RULE typename L::I32 key_of(typename L::F32 x) {
  return order_key(bit_copy<typename L::I32>(x));
}
template <class L>
GRADMINT_RULE typename L::F32 value_of(typename L::I32 key) {
  return bit_copy<typename L::F32>(order_key(key));
}

template <class I>
GRADMINT_RULE void exchange(I& a, I& b) {
  const I low = smaller(a, b);
  b = larger(a, b);
  a = low;
}

// Applies exchanges [Begin, End) of a network to keys, or to floats that are not NaN (where zeros
// of either sign are equal). Halved, so that no compiler meets a deep expression.
template <NetworkKind kKind, int Begin, int End, int P, class V>
GRADMINT_RULE void apply_network(V (&keys)[P]) {
  if constexpr (End - Begin == 1) {
    constexpr int low = kNetwork<kKind, P>.low[Begin];
    constexpr int high = kNetwork<kKind, P>.high[Begin];
    exchange(keys[low], keys[high]);
  } else if constexpr (End > Begin) {
    constexpr int middle = Begin + (End - Begin) / 2;
    apply_network<kKind, Begin, middle>(keys);
    apply_network<kKind, middle, End>(keys);
  }
}

// After it, keys[P/2 - 1] <= keys[P/2] are the middle two.
template <int P, class V>
GRADMINT_RULE void order_middle(V (&keys)[P]) {
  apply_network<NetworkKind::middle, 0, kNetwork<NetworkKind::middle, P>.size>(keys);
}

// The lower and upper middle of n keys; key_at(i) gives the i-th. For odd n both are the median.
template <class L, class KeyAt>
GRADMINT_RULE void bisect_middle(int n, KeyAt key_at, typename L::I32& lower,
                                 typename L::I32& upper) {
  using I32 = typename L::I32;
  const std::int32_t sign = static_cast<std::int32_t>(0x80000000u);
  const std::int32_t place = (n - 1) / 2;
  // The largest r, in unsigned order, with at most `place` keys below it.
  I32 found = L::all(std::int32_t{0});
  for (int bit = 31; bit >= 0; --bit) {
    const std::int32_t step = static_cast<std::int32_t>(1u << bit);
    const I32 candidate = (found | step) ^ sign;
    I32 below = L::all(std::int32_t{0});
    for (int i = 0; i < n; ++i) below = below + L::one_if(key_at(i) < candidate);
    found = below <= place ? (found | step) : found;
  }
  lower = found ^ sign;
  upper = lower;
  if (n % 2 != 0) return;
  I32 not_above = L::all(std::int32_t{0});
  I32 next = L::all(std::int32_t{0x7fffffff});
  for (int i = 0; i < n; ++i) {
    const I32 key = key_at(i);
    not_above = not_above + L::one_if(key <= lower);
    next = lower < key ? smaller(next, key) : next;
  }
  upper = not_above > place + 1 ? lower : next;
}

// The median from the two middle values (equal for odd n, where their mean is themselves).
template <class L>
GRADMINT_RULE typename L::F32 middle_mean(typename L::F32 lower, typename L::F32 upper) {
  return canonical(L::narrow((L::widen(lower) + L::widen(upper)) * 0.5));
}

// What a clip factor makes of a value before an order statistic sees it.
template <class L>
GRADMINT_RULE typename L::F32 scaled_value(typename L::F32 x, double factor) {
  return L::narrow(L::widen(x) * factor);
}

}  // namespace gradmint::kernels
