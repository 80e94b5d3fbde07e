// How the tile functions of one CPU level walk over coordinates (cpu_kernels.cc and the cpu_*.h
// files it includes only): the level's vector widths, and a loop whose last vector may be partly
// filled.
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

// The value, read once: otherwise GCC reads a row again for each use of what was loaded, and every
// reading costs two where rows do not begin at a cache line.
template <class V>
GRADMINT_RULE V in_register(V value) {
#if defined(GRADMINT_LEVEL_AVX512)
  asm("" : "+v"(value));
#elif defined(GRADMINT_LEVEL_AVX2)
  asm("" : "+x"(value));
#endif
  return value;
}

// How far ahead of the coordinates at hand a row is asked for. The processor's own prefetchers lose
// track of many rows read side by side. Rows go on behind their tile, so what is asked for is of
// use. Other distances: cpu_median.h and cpu_sorted.h.
constexpr std::size_t kAheadBytes = 2048;

// Asks for a cache line. As an integer: the address may lie behind the end of a row, or anywhere.
GRADMINT_RULE void ask_for(std::uintptr_t address) {
  if constexpr (Narrow::width > 1) __builtin_prefetch(reinterpret_cast<const void*>(address));
}

// Once for each cache line, where coordinate c of a Narrow group begins one.
GRADMINT_RULE void ask_ahead(const float* row, std::size_t c) {
  if (c % 16 == 0) ask_for(reinterpret_cast<std::uintptr_t>(row + c) + kAheadBytes);
}

template <class V, class T>
GRADMINT_RULE V load_all(const T* from) {
  return Whole{}.load<V>(from);
}

template <class L>
GRADMINT_RULE std::int32_t largest_lane(typename L::I32 value) {
  std::int32_t lanes[L::width];
  // A copy: if it were copied from where the loop keeps it, GCC would keep it in memory, and every
  // turn would wait for the one before to be stored (8 times as long for a loop of maxima alone).
  const auto copy = in_register(value);
  memcpy(lanes, &copy, sizeof lanes);
  std::int32_t largest = lanes[0];
  for (int i = 1; i < L::width; ++i) largest = larger(largest, lanes[i]);
  return largest;
}

}  // namespace
}  // namespace gradmint::kernels
