// Bytes for the Merkle tests, the same on every machine, and lengths around every border of a tree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gradmint::test {

inline std::vector<std::uint8_t> merkle_bytes(std::size_t length) {
  std::vector<std::uint8_t> bytes(length);
  std::uint32_t state = 2463534242u;
  for (std::uint8_t& byte : bytes) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    byte = static_cast<std::uint8_t>(state >> 11);
  }
  return bytes;
}

inline std::vector<std::size_t> merkle_lengths() {
  constexpr std::size_t leaf = 4096;
  return {0,          1,
          53,         54,
          55,         62,
          63,         64,
          4095,       4096,
          4097,       2 * leaf,
          3 * leaf,   5 * leaf + 7,
          127 * leaf, 128 * leaf,
          129 * leaf, 512 * leaf - 1,
          512 * leaf, 512 * leaf + 1,
          513 * leaf, 1025 * leaf + 9};
}

}  // namespace gradmint::test
