// The widths of one CPU level and how a rule reaches its coordinates (cpu_level.cc and what it
// includes only).
#pragma once

#include "kernels/lanes.h"

namespace gradmint::kernels {
namespace {

#if defined(GRADMINT_LEVEL_AVX512)
using Narrow = Lanes<16>;  // fp32 and int32 work: a full register
using Wide = Lanes<8>;     // fp64 and int64 work: a full register
#elif defined(GRADMINT_LEVEL_AVX2)
using Narrow = Lanes<8>;
using Wide = Lanes<4>;
#else
using Narrow = Lanes<1>;
using Wide = Lanes<1>;
#endif

// How a rule reaches its coordinates: a whole vector, or the last `left` of a row, zero-filled.
struct Whole {
  template <class V, class T>
  GRADMINT_RULE V load(const T* from) const {
    V value;
    memcpy(&value, from, sizeof value);
    return value;
  }
  template <class V, class T>
  GRADMINT_RULE void store(T* to, V value) const {
    memcpy(to, &value, sizeof value);
  }
};
struct Part {
  std::size_t left;
  template <class V, class T>
  GRADMINT_RULE V load(const T* from) const {
    V value{};
    memcpy(&value, from, left * sizeof(T));
    return value;
  }
  template <class V, class T>
  GRADMINT_RULE void store(T* to, V value) const {
    memcpy(to, &value, left * sizeof(T));
  }
};

// body(coordinate, access) for every W coordinates of `count`.
template <int W, class Body>
GRADMINT_RULE void for_lanes(std::size_t count, Body body) {
  std::size_t c = 0;
  for (; c + W <= count; c += W) body(c, Whole{});
  if constexpr (W > 1) {
    if (c < count) body(c, Part{count - c});
  }
}

template <class V, class T>
GRADMINT_RULE V load_all(const T* from) {
  return Whole{}.load<V>(from);
}

template <class L>
GRADMINT_RULE std::int32_t largest_lane(typename L::I32 value) {
  std::int32_t lanes[L::width];
  memcpy(lanes, &value, sizeof lanes);
  std::int32_t largest = lanes[0];
  for (int i = 1; i < L::width; ++i) largest = larger(largest, lanes[i]);
  return largest;
}

}  // namespace
}  // namespace gradmint::kernels
