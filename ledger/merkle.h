// Merkle trees of RFC 6962 (Certificate Transparency), section 2.1: leaf H(0x00 || data), node
// H(0x01 || left || right), split at the largest power of two below the size; the last leaf is
// never duplicated. The tree of no leaves is SHA-256 of nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ledger/bytes.h"

namespace gradmint {

Hash merkle_leaf_hash(ByteView data);
Hash merkle_node_hash(const Hash& left, const Hash& right);

// Root over leaf hashes, in their order.
Hash merkle_root(std::span<const Hash> leaf_hashes);

// Audit path of leaf `index`, from the leaf up. Precondition: index < leaf_hashes.size().
std::vector<Hash> merkle_inclusion_proof(std::span<const Hash> leaf_hashes, std::uint64_t index);
bool verify_inclusion(const Hash& leaf_hash, std::uint64_t index, std::uint64_t tree_size,
                      std::span<const Hash> proof, const Hash& root);

// Proof that the tree of `old_size` leaves is a prefix of the whole. Precondition: old_size <=
// size.
std::vector<Hash> merkle_consistency_proof(std::span<const Hash> leaf_hashes,
                                           std::uint64_t old_size);
// An old tree of no leaves is a prefix of every tree: its proof is empty and its root that of no
// leaves.
bool verify_consistency(std::uint64_t old_size, std::uint64_t new_size, const Hash& old_root,
                        const Hash& new_root, std::span<const Hash> proof);

// Append-only root in O(log n) memory: one hash per set bit of the size.
class MerkleFrontier {
 public:
  void append(const Hash& leaf_hash);
  Hash root() const;
  std::uint64_t size() const { return size_; }

 private:
  std::uint64_t size_ = 0;
  std::vector<Hash> peaks_;  // largest subtree first
};

// Blobs (updates, models, layouts, evidence) are hashed in leaves of this many bytes, so that a
// leaf's coordinate range is known and a wrong sum can be shown with a few leaves and their paths.
inline constexpr std::size_t kBlobLeafBytes = 4096;

// The name of a blob: tagged_hash(tag::kBlob, u64 little-endian length || RFC 6962 root
// over its leaves). The last leaf may be short. The same for any number of threads (at least 1).
Hash blob_root(ByteView payload, int threads = 1);

// The same over a payload that arrives in pieces of any size.
class BlobHasher {
 public:
  void update(ByteView piece);
  Hash finish();  // once; nothing may follow it

 private:
  MerkleFrontier frontier_;
  Bytes partial_leaf_;
  std::uint64_t length_bytes_ = 0;
};

}  // namespace gradmint
