#include "kernels/merkle.h"

#include <algorithm>
#include <vector>

#include "kernels/merkle_rule.h"

namespace gradmint::kernels {
namespace {

// As a block of GPU threads does it: in place, a parent after all of its level's were made.
Digest reduce_group(std::span<const Digest> group) {
  std::vector<Digest> level(group.begin(), group.end());
  while (level.size() > 1) {
    const int nodes = static_cast<int>(level.size());
    std::vector<Digest> parents;
    for (int i = 0; i < parents_of(nodes); ++i) {
      parents.push_back(parent_digest(level.data(), nodes, i));
    }
    level = std::move(parents);
  }
  return level.front();
}

}  // namespace

Digest merkle_root_by_rule(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return digest_of_nothing();
  std::vector<Digest> nodes;
  for (std::size_t at = 0; at < bytes.size(); at += kMerkleLeafBytes) {
    const std::size_t length = std::min<std::size_t>(kMerkleLeafBytes, bytes.size() - at);
    nodes.push_back(leaf_digest(bytes.data() + at, static_cast<int>(length)));
  }
  while (nodes.size() > 1) {
    std::vector<Digest> reduced;
    const std::span<const Digest> all = nodes;
    for (std::size_t at = 0; at < nodes.size(); at += kMerkleGroup) {
      reduced.push_back(
          reduce_group(all.subspan(at, std::min<std::size_t>(kMerkleGroup, nodes.size() - at))));
    }
    nodes = std::move(reduced);
  }
  return nodes.front();
}

std::array<std::uint8_t, 32> bytes_of(const Digest& digest) {
  std::array<std::uint8_t, 32> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(digest.words[i / 4] >> (24 - 8 * (i % 4)));
  }
  return bytes;
}

}  // namespace gradmint::kernels
