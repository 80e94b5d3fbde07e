// Values for kernel tests: reproducible, and of the kinds that break kernels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/aggregate.h"
#include "tests/kernels/reference.h"

namespace gradmint::test {

// splitmix64: the same values on every machine.
class Sequence {
 public:
  explicit Sequence(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  // In [0, bound).
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

// Any finite float with an exponent field in [low, high] (0 = denormal, 254 = the largest).
float any_float(Sequence& sequence, unsigned low, unsigned high);

enum class Kind { ordinary, wide, ties, equal, denormal, minus_zero, largest };
inline constexpr Kind kAllKinds[] = {Kind::ordinary, Kind::wide,       Kind::ties,   Kind::equal,
                                     Kind::denormal, Kind::minus_zero, Kind::largest};
std::string name_of(Kind kind);

// Whether this one of many combinations is tried. Each is, but under a sanitizer, where all take
// ten times as long, one in eleven: a prime, so that every value of every loop has its turn.
inline bool is_tried([[maybe_unused]] std::size_t& turn) {
#ifdef GRADMINT_SANITIZED
  return turn++ % 11 == 0;
#else
  return true;
#endif
}

Updates sample_updates(Kind kind, std::size_t n, std::size_t size, std::uint64_t seed);

// A whole input over `updates`, which must outlive it; model and state are kept beside it.
struct Sample {
  Updates updates;
  std::vector<float> model;
  std::vector<float> state;
  kernels::AggregateInput input;
};
// E and s are chosen as a round would (every update in range by construction: E = the largest).
void prepare(Sample& sample, const kernels::AggregateSpec& spec, std::uint64_t seed);

// FNV-1a over the bytes, for golden values.
std::uint64_t fingerprint(std::span<const float> values,
                          std::uint64_t from = 0xcbf29ce484222325ULL);

}  // namespace gradmint::test
