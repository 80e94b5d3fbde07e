// Merkle trees of RFC 6962, section 2.1, over leaves of 4096 bytes: leaf H(0x00 || data), node
// H(0x01 || left || right). Splitting at the largest power of two below the size is the same as
// pairing neighbours level by level and carrying a last one without a neighbour up unchanged, so an
// aligned group of 2^k nodes can be reduced to its k-th parent by itself.
#pragma once

#include "kernels/sha256_rule.h"

namespace gradmint::kernels {

inline constexpr int kMerkleLeafBytes = 4096;
inline constexpr int kMerkleGroup = 512;  // nodes that are reduced to one by themselves

// A leaf of `length` bytes, at most kMerkleLeafBytes.
GRADMINT_RULE Digest leaf_digest(const std::uint8_t* bytes, int length) {
  PrefixedSha256 hasher(0x00);
  int at = 0;
  for (; at + 64 <= length; at += 64) {
    std::uint32_t data[16];
    for (int i = 0; i < 16; ++i) {
      std::uint32_t word = 0;
      for (int k = 0; k < 4; ++k) word = word << 8 | bytes[at + 4 * i + k];
      data[i] = word;
    }
    hasher.absorb(data);
  }
  return hasher.finish(bytes + at, length - at, static_cast<std::uint64_t>(length));
}

GRADMINT_RULE Digest node_digest(const Digest& left, const Digest& right) {
  std::uint32_t data[16];
  for (int i = 0; i < 8; ++i) {
    data[i] = left.words[i];
    data[8 + i] = right.words[i];
  }
  PrefixedSha256 hasher(0x01);
  hasher.absorb(data);
  return hasher.finish(nullptr, 0, 64);
}

// SHA-256 of nothing: the tree without leaves.
GRADMINT_RULE Digest digest_of_nothing() {
  Digest state = sha256_start();
  std::uint32_t block[16] = {0x80000000u};
  sha256_compress(state, block);
  return state;
}

GRADMINT_RULE std::size_t merkle_leaves(std::size_t length) {
  return (length + kMerkleLeafBytes - 1) / kMerkleLeafBytes;
}
GRADMINT_RULE std::size_t merkle_groups(std::size_t nodes) {
  return (nodes + kMerkleGroup - 1) / kMerkleGroup;
}
GRADMINT_RULE int parents_of(int nodes) { return (nodes + 1) / 2; }

// Parent i of a level of `nodes`.
GRADMINT_RULE Digest parent_digest(const Digest* level, int nodes, int i) {
  return 2 * i + 1 < nodes ? node_digest(level[2 * i], level[2 * i + 1]) : level[2 * i];
}

}  // namespace gradmint::kernels
