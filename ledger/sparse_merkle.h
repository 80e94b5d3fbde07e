// Compact sparse Merkle tree for the state: a binary tree over the 256 bits of SHA-256(key), in
// which a subtree with one entry is that entry's leaf (as in Jellyfish). Its root is a function of
// the set of entries alone, whatever the order of changes. Proofs show inclusion and absence.
//   leaf  = H(0x00 || SHA256(key) || SHA256(value))     node = H(0x01 || left || right)
//   empty = 32 zero bytes
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "ledger/bytes.h"

namespace gradmint {

struct StateProof {
  // Siblings from the root down to where the search ended.
  std::vector<Hash> siblings;
  // The leaf found there (its key hash and value hash), or nothing when the place is empty.
  struct Leaf {
    Hash key_hash;
    Hash value_hash;
  };
  std::optional<Leaf> leaf;
};

// Persistent (structure-sharing) tree: copies are O(1), a change is O(depth). Copies may be read
// from several threads; one object is not to be changed from two.
class SparseMerkleTree {
 public:
  SparseMerkleTree();

  [[nodiscard]] SparseMerkleTree put(ByteView key, ByteView value) const;
  [[nodiscard]] SparseMerkleTree remove(ByteView key) const;
  Hash root() const;
  StateProof prove(ByteView key) const;

  struct Node;

 private:
  explicit SparseMerkleTree(std::shared_ptr<const Node> node);
  std::shared_ptr<const Node> root_;
};

// True when the proof shows that `key` holds `value` (or, without a value, that `key` is absent)
// under `root`.
bool verify_state_proof(const StateProof& proof, const Hash& root, ByteView key,
                        std::optional<ByteView> value);

}  // namespace gradmint
