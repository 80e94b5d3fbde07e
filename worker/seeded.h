// A small seeded generator, so that a seed means the same numbers with every compiler: SplitMix64
// (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). Not for secrets.
#pragma once

#include <cstdint>
#include <span>
#include <utility>

namespace gradmint {

class Seeded {
 public:
  explicit Seeded(std::uint64_t seed) : state_(seed) {}
  // A stream of its own for each (seed, purpose, number).
  Seeded(std::uint64_t seed, std::uint64_t purpose, std::uint64_t number)
      : state_(mix(mix(mix(seed) ^ purpose) ^ number)) {}

  std::uint64_t next() { return mix(state_ += kStep); }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }  // [0, 1)
  std::uint64_t below(std::uint64_t bound) {  // bias below 2^-32 for bounds below 2^32
    return static_cast<std::uint64_t>((Wide{next()} * bound) >> 64);
  }
  double normal();             // mean 0, deviation 1 (Box and Muller)
  double gamma(double shape);  // scale 1 (Marsaglia and Tsang, 2000)

  template <class T>
  void shuffle(std::span<T> items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  __extension__ using Wide = unsigned __int128;
  static constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15ULL;
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
};

}  // namespace gradmint
