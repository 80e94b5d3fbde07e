#include "ledger/sparse_merkle.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "ledger/hash.h"

using namespace gradmint;

namespace {

using Entries = std::map<std::string, std::string>;

// k1270 and k2285 agree in the first 22 bits of their hashes, k712 and k930 in 21: long chains.
const std::vector<std::string> kKeys = {"k1270", "k2285", "k712", "k930", "a"};
const std::vector<std::string> kNeverPut = {"k3802", "k2408", "b", "", "k0"};

bool bit_of(const Hash& hash, std::size_t depth) {
  return ((hash.bytes[depth / 8] >> (7 - depth % 8)) & 1) == 1;
}

// The root of a set of (key hash, value hash), straight from the definition in the header.
Hash root_by_definition(const std::vector<std::pair<Hash, Hash>>& entries, std::size_t depth) {
  if (entries.empty()) return {};
  const std::uint8_t leaf[] = {0};
  const std::uint8_t node[] = {1};
  if (entries.size() == 1) {
    return sha256_concat({leaf, entries[0].first.view(), entries[0].second.view()});
  }
  std::vector<std::pair<Hash, Hash>> halves[2];
  for (const auto& entry : entries) halves[bit_of(entry.first, depth)].push_back(entry);
  return sha256_concat({node, root_by_definition(halves[0], depth + 1).view(),
                        root_by_definition(halves[1], depth + 1).view()});
}

Hash root_by_definition(const Entries& entries) {
  std::vector<std::pair<Hash, Hash>> hashed;
  for (const auto& [key, value] : entries) {
    hashed.emplace_back(sha256(as_bytes(key)), sha256(as_bytes(value)));
  }
  return root_by_definition(hashed, 0);
}

SparseMerkleTree put(const SparseMerkleTree& tree, const std::string& key,
                     const std::string& value) {
  return tree.put(as_bytes(key), as_bytes(value));
}

// The proof must show exactly the truth about `key`, and no changed bit of it may pass for
// anything.
void check_proof(const SparseMerkleTree& tree, const Entries& entries, const std::string& key) {
  const StateProof proof = tree.prove(as_bytes(key));
  const auto found = entries.find(key);
  const std::optional<ByteView> truth =
      found == entries.end() ? std::nullopt : std::optional(as_bytes(found->second));
  const ByteView lie = as_bytes("no such value");
  const Hash root = tree.root();
  const auto accepted = [&](const StateProof& changed) {
    return verify_state_proof(changed, root, as_bytes(key), truth) ||
           verify_state_proof(changed, root, as_bytes(key), lie) ||
           verify_state_proof(changed, root, as_bytes(key), std::nullopt);
  };
  CHECK(verify_state_proof(proof, root, as_bytes(key), truth));
  CHECK_FALSE(verify_state_proof(proof, root, as_bytes(key), lie));
  if (truth) CHECK_FALSE(verify_state_proof(proof, root, as_bytes(key), std::nullopt));

  int passed = 0;
  const auto flip_each_bit = [&](Hash& hash, const StateProof& changed) {
    for (std::size_t bit = 0; bit < 256; ++bit) {
      hash.bytes[bit / 8] = static_cast<std::uint8_t>(hash.bytes[bit / 8] ^ (1u << bit % 8));
      passed += accepted(changed);
      hash.bytes[bit / 8] = static_cast<std::uint8_t>(hash.bytes[bit / 8] ^ (1u << bit % 8));
    }
  };
  StateProof changed = proof;
  for (Hash& sibling : changed.siblings) flip_each_bit(sibling, changed);
  if (changed.leaf) {
    flip_each_bit(changed.leaf->key_hash, changed);
    flip_each_bit(changed.leaf->value_hash, changed);
    changed.leaf.reset();
    passed += accepted(changed);
  } else {
    changed.leaf = StateProof::Leaf{};
    passed += accepted(changed);
  }
  changed = proof;
  changed.siblings.emplace_back();
  passed += accepted(changed);
  if (!proof.siblings.empty()) {
    changed.siblings.resize(proof.siblings.size() - 1);
    passed += accepted(changed);
  }
  CHECK(passed == 0);
}

}  // namespace

TEST_CASE("sparse merkle: golden roots") {
  CHECK(SparseMerkleTree().root().is_zero());
  SparseMerkleTree tree = put({}, "a", "1");
  CHECK(to_hex(tree.root()) == "565388d4bc00257133f799d9366ac97f6e949c18acc53d17457f8859ba0f08d3");
  tree = put(put(tree, "b", "2"), "c", "3");
  CHECK(to_hex(tree.root()) == "8e2a164a410203f51300d7c6645b7a37f549768457be109acc126c63573a9e0a");
  SparseMerkleTree hundred;
  for (int i = 0; i < 100; ++i) {
    hundred = put(hundred, "k" + std::to_string(i), "v" + std::to_string(i));
  }
  CHECK(to_hex(hundred.root()) ==
        "2e947dfbc17dc1c35f8ebbd96eb5dcd08555b280243a6c1a879ff471f234307c");
}

TEST_CASE(
    "sparse merkle: every subset, put in every order and removed in every order, has one root") {
  int orders = 0;
  for (unsigned subset = 0; subset < (1u << kKeys.size()); ++subset) {
    std::vector<std::string> chosen;
    Entries entries;
    for (std::size_t i = 0; i < kKeys.size(); ++i) {
      if (((subset >> i) & 1) == 1) {
        chosen.push_back(kKeys[i]);
        entries[kKeys[i]] = "value of " + kKeys[i];
      }
    }
    std::ranges::sort(chosen);
    const Hash expected = root_by_definition(entries);
    do {
      SparseMerkleTree tree;
      for (const auto& key : chosen) {
        tree = put(put(tree, key, "replaced below"), key, entries[key]);
      }
      REQUIRE(tree.root() == expected);
      Entries left = entries;
      for (const auto& key : chosen) {
        tree = tree.remove(as_bytes(key));
        left.erase(key);
        REQUIRE(tree.root() == root_by_definition(left));
      }
      ++orders;
    } while (std::ranges::next_permutation(chosen).found);
  }
  CHECK(orders == 326);  // the sum over k of 5!/(5-k)!
}

TEST_CASE("sparse merkle: proofs show presence and absence, and no changed bit passes") {
  for (unsigned subset = 0; subset < (1u << kKeys.size()); ++subset) {
    SparseMerkleTree tree;
    Entries entries;
    for (std::size_t i = 0; i < kKeys.size(); ++i) {
      if (((subset >> i) & 1) == 0) continue;
      entries[kKeys[i]] = std::to_string(i);
      tree = put(tree, kKeys[i], std::to_string(i));
    }
    if (subset % 5 != 0 && subset != 31) continue;  // the others differ in nothing but time
    for (const auto& key : kKeys) check_proof(tree, entries, key);
    for (const auto& key : kNeverPut) check_proof(tree, entries, key);
  }
}

TEST_CASE("sparse merkle: another key's leaf elsewhere in the tree is no proof of absence") {
  SparseMerkleTree tree;
  for (const auto& key : kKeys) tree = put(tree, key, "v");
  for (const auto& present : kKeys) {
    for (const auto& other : kKeys) {
      if (present == other) continue;
      CHECK_FALSE(verify_state_proof(tree.prove(as_bytes(other)), tree.root(), as_bytes(present),
                                     std::nullopt));
    }
  }
}

TEST_CASE("sparse merkle: older copies keep their contents") {
  const SparseMerkleTree before = put({}, "a", "1");
  const Hash root = before.root();
  const SparseMerkleTree after = put(before, "b", "2");
  CHECK(before.root() == root);
  CHECK(after.root() != root);
  CHECK(after.remove(as_bytes("b")).root() == root);
  CHECK(before.remove(as_bytes("never there")).root() == root);
  CHECK(before.put(as_bytes("a"), as_bytes("1")).root() == root);
}

TEST_CASE("sparse merkle: a proof deeper than a key has bits is refused") {
  StateProof proof;
  proof.siblings.resize(257);
  CHECK_FALSE(verify_state_proof(proof, Hash{}, as_bytes("a"), std::nullopt));
}
