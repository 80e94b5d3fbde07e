// Chance for tests: a linear congruential generator. Any would do; this one is the same everywhere.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gradmint::test {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 2 + 1) {}
  std::size_t below(std::size_t limit) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::size_t>(state_ >> 33) % limit;
  }

 private:
  std::uint64_t state_;
};

}  // namespace gradmint::test
