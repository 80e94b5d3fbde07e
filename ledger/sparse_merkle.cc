#include "ledger/sparse_merkle.h"

#include <variant>

#include "ledger/hash.h"

namespace gradmint {

namespace {

constexpr std::uint8_t kLeafPrefix[] = {0x00};
constexpr std::uint8_t kNodePrefix[] = {0x01};
constexpr std::size_t kDepthMax = 256;

// The direction taken at `depth`: bit 0 is the most significant bit of the first byte.
bool goes_right(const Hash& key_hash, std::size_t depth) {
  return ((key_hash.bytes[depth / 8] >> (7 - depth % 8)) & 1) == 1;
}

Hash leaf_hash(const StateProof::Leaf& leaf) {
  return sha256_concat({kLeafPrefix, leaf.key_hash.view(), leaf.value_hash.view()});
}

Hash node_hash(const Hash& left, const Hash& right) {
  return sha256_concat({kNodePrefix, left.view(), right.view()});
}

}  // namespace

// Immutable once made, so trees share nodes freely. The empty subtree is the null pointer.
struct SparseMerkleTree::Node {
  struct Inner {
    std::shared_ptr<const Node> left, right;
  };
  Hash hash;
  std::variant<StateProof::Leaf, Inner> held;

  const StateProof::Leaf* leaf() const { return std::get_if<StateProof::Leaf>(&held); }
  const Inner& inner() const { return std::get<Inner>(held); }
};

namespace {

using Node = SparseMerkleTree::Node;
using NodePointer = std::shared_ptr<const Node>;

Hash hash_of(const NodePointer& node) { return node ? node->hash : Hash{}; }

NodePointer make_leaf(const StateProof::Leaf& leaf) {
  return std::make_shared<const Node>(Node{leaf_hash(leaf), leaf});
}

NodePointer make_inner(NodePointer left, NodePointer right) {
  const Hash hash = node_hash(hash_of(left), hash_of(right));
  return std::make_shared<const Node>(Node{hash, Node::Inner{std::move(left), std::move(right)}});
}

// The subtree that holds two leaves of different keys: a chain down to the first bit in which they
// differ.
NodePointer join_leaves(const NodePointer& a, const NodePointer& b, std::size_t depth) {
  const bool a_right = goes_right(a->leaf()->key_hash, depth);
  const bool b_right = goes_right(b->leaf()->key_hash, depth);
  if (a_right != b_right) return a_right ? make_inner(b, a) : make_inner(a, b);
  NodePointer below = join_leaves(a, b, depth + 1);
  return a_right ? make_inner(nullptr, std::move(below)) : make_inner(std::move(below), nullptr);
}

NodePointer put_below(const NodePointer& node, const StateProof::Leaf& leaf, std::size_t depth) {
  if (!node) return make_leaf(leaf);
  if (const StateProof::Leaf* present = node->leaf()) {
    if (present->key_hash == leaf.key_hash) {
      return present->value_hash == leaf.value_hash ? node : make_leaf(leaf);
    }
    return join_leaves(node, make_leaf(leaf), depth);
  }
  const auto& [left, right] = node->inner();
  const bool to_right = goes_right(leaf.key_hash, depth);
  const NodePointer& old_child = to_right ? right : left;
  NodePointer child = put_below(old_child, leaf, depth + 1);
  if (child == old_child) return node;
  return to_right ? make_inner(left, std::move(child)) : make_inner(std::move(child), right);
}

// A leaf left alone moves up, so that the shape depends on the entries alone.
NodePointer make_inner_or_lift(const NodePointer& left, const NodePointer& right) {
  if (!left && right->leaf() != nullptr) return right;
  if (!right && left->leaf() != nullptr) return left;
  return make_inner(left, right);
}

NodePointer remove_below(const NodePointer& node, const Hash& key_hash, std::size_t depth) {
  if (!node) return node;
  if (const StateProof::Leaf* present = node->leaf()) {
    return present->key_hash == key_hash ? nullptr : node;
  }
  const auto& [left, right] = node->inner();
  const bool to_right = goes_right(key_hash, depth);
  const NodePointer& old_child = to_right ? right : left;
  const NodePointer child = remove_below(old_child, key_hash, depth + 1);
  if (child == old_child) return node;
  return to_right ? make_inner_or_lift(left, child) : make_inner_or_lift(child, right);
}

bool same_first_bits(const Hash& a, const Hash& b, std::size_t count) {
  for (std::size_t depth = 0; depth < count; ++depth) {
    if (goes_right(a, depth) != goes_right(b, depth)) return false;
  }
  return true;
}

// Whether the leaf at the end of the search supports the claim about `key_hash`.
bool end_supports_claim(const StateProof& proof, const Hash& key_hash,
                        std::optional<ByteView> value) {
  if (value) {
    return proof.leaf && proof.leaf->key_hash == key_hash &&
           proof.leaf->value_hash == sha256(*value);
  }
  if (!proof.leaf) return true;
  // Another key's leaf shows absence only when it stands where `key` would have to stand.
  return proof.leaf->key_hash != key_hash &&
         same_first_bits(proof.leaf->key_hash, key_hash, proof.siblings.size());
}

}  // namespace

SparseMerkleTree::SparseMerkleTree() = default;
SparseMerkleTree::SparseMerkleTree(std::shared_ptr<const Node> node) : root_(std::move(node)) {}

SparseMerkleTree SparseMerkleTree::put(ByteView key, ByteView value) const {
  return SparseMerkleTree(put_below(root_, {sha256(key), sha256(value)}, 0));
}

SparseMerkleTree SparseMerkleTree::remove(ByteView key) const {
  return SparseMerkleTree(remove_below(root_, sha256(key), 0));
}

Hash SparseMerkleTree::root() const { return hash_of(root_); }

StateProof SparseMerkleTree::prove(ByteView key) const {
  const Hash key_hash = sha256(key);
  StateProof proof;
  const Node* node = root_.get();
  while (node != nullptr && node->leaf() == nullptr) {
    const auto& [left, right] = node->inner();
    const bool to_right = goes_right(key_hash, proof.siblings.size());
    proof.siblings.push_back(hash_of(to_right ? left : right));
    node = (to_right ? right : left).get();
  }
  if (node != nullptr) proof.leaf = *node->leaf();
  return proof;
}

bool verify_state_proof(const StateProof& proof, const Hash& root, ByteView key,
                        std::optional<ByteView> value) {
  if (proof.siblings.size() > kDepthMax) return false;
  const Hash key_hash = sha256(key);
  if (!end_supports_claim(proof, key_hash, value)) return false;
  Hash node = proof.leaf ? leaf_hash(*proof.leaf) : Hash{};
  for (std::size_t depth = proof.siblings.size(); depth-- > 0;) {
    const Hash& sibling = proof.siblings[depth];
    node = goes_right(key_hash, depth) ? node_hash(sibling, node) : node_hash(node, sibling);
  }
  return node == root;
}

}  // namespace gradmint
