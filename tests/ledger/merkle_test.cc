#include "ledger/merkle.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "ledger/hash.h"
#include "tests/support/paths.h"

using namespace gradmint;

namespace {

std::vector<Hash> leaves_of(std::uint64_t count) {
  std::vector<Hash> leaves;
  for (std::uint64_t i = 0; i < count; ++i) {
    leaves.push_back(merkle_leaf_hash(as_bytes("leaf " + std::to_string(i))));
  }
  return leaves;
}

// Section 2.1 of RFC 6962, word for word: what the faster code must equal.
Hash root_by_definition(std::span<const Hash> leaves) {
  if (leaves.empty()) return sha256({});
  if (leaves.size() == 1) return leaves[0];
  std::size_t split = 1;
  while (split * 2 < leaves.size()) split *= 2;
  return merkle_node_hash(root_by_definition(leaves.first(split)),
                          root_by_definition(leaves.subspan(split)));
}

Bytes decode_base64(const std::string& text) {
  static const std::string kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  Bytes out;
  std::uint32_t held = 0;
  int bits = 0;
  for (const char c : text) {
    if (c == '=') break;
    held = held << 6 | static_cast<std::uint32_t>(kLetters.find(c));
    bits += 6;
    if (bits >= 8) out.push_back(static_cast<std::uint8_t>(held >> (bits -= 8)));
  }
  return out;
}

// A value that is not 32 bytes long can never be a hash of ours: nothing then.
std::optional<Hash> decode_hash(const nlohmann::json& value) {
  const Bytes bytes = value.is_null() ? Bytes{} : decode_base64(value.get<std::string>());
  Hash hash;
  if (bytes.size() != hash.bytes.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), hash.bytes.begin());
  return hash;
}

std::optional<std::vector<Hash>> decode_proof(const nlohmann::json& value) {
  std::vector<Hash> proof;
  if (value.is_null()) return proof;
  for (const auto& entry : value) {
    const auto hash = decode_hash(entry);
    if (!hash) return std::nullopt;
    proof.push_back(*hash);
  }
  return proof;
}

Bytes pattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  return bytes;
}

}  // namespace

TEST_CASE("merkle: roots equal the definition, all at once and one by one") {
  MerkleFrontier frontier;
  const auto leaves = leaves_of(70);
  for (std::size_t size = 0; size <= leaves.size(); ++size) {
    const auto prefix = std::span(leaves).first(size);
    const Hash expected = root_by_definition(prefix);
    CHECK(merkle_root(prefix) == expected);
    CHECK(frontier.root() == expected);
    CHECK(frontier.size() == size);
    if (size < leaves.size()) frontier.append(leaves[size]);
  }
  // The last leaf is never repeated to fill a level (CVE-2012-2459).
  auto repeated = leaves_of(3);
  repeated.push_back(repeated.back());
  CHECK(merkle_root(repeated) != merkle_root(leaves_of(3)));
}

TEST_CASE(
    "merkle: every inclusion proof of small trees holds, for its own leaf, place and size alone") {
  for (std::uint64_t size = 1; size <= 20; ++size) {
    const auto leaves = leaves_of(size);
    const Hash root = merkle_root(leaves);
    for (std::uint64_t index = 0; index < size; ++index) {
      const auto proof = merkle_inclusion_proof(leaves, index);
      CHECK(verify_inclusion(leaves[index], index, size, proof, root));
      for (std::uint64_t other = 0; other <= size + 1; ++other) {
        if (other == index) continue;
        CHECK_FALSE(verify_inclusion(leaves[index], other, size, proof, root));
      }
      CHECK_FALSE(verify_inclusion(leaves[index], index, 0, proof, root));
      CHECK_FALSE(verify_inclusion(leaves[index], index, std::uint64_t{1} << 63, proof, root));
      auto longer = proof;
      longer.push_back(root);
      CHECK_FALSE(verify_inclusion(leaves[index], index, size, longer, root));
      if (!proof.empty()) {
        CHECK_FALSE(verify_inclusion(leaves[index], index, size,
                                     std::span(proof).first(proof.size() - 1), root));
      }
      for (std::size_t step = 0; step < proof.size(); ++step) {
        auto tampered = proof;
        tampered[step].bytes[index % 32] ^= 1;
        CHECK_FALSE(verify_inclusion(leaves[index], index, size, tampered, root));
      }
    }
  }
}

TEST_CASE(
    "merkle: every consistency proof of small trees holds, for its own sizes and roots alone") {
  for (std::uint64_t size = 0; size <= 17; ++size) {
    const auto leaves = leaves_of(size);
    const Hash root = merkle_root(leaves);
    for (std::uint64_t old_size = 0; old_size <= size; ++old_size) {
      const Hash old_root = merkle_root(std::span(leaves).first(old_size));
      const auto proof = merkle_consistency_proof(leaves, old_size);
      CHECK(verify_consistency(old_size, size, old_root, root, proof));
      CHECK_FALSE(verify_consistency(size + 1, size, old_root, root, proof));
      Hash other_root = old_root;
      other_root.bytes[31] ^= 0x80;
      CHECK_FALSE(verify_consistency(old_size, size, other_root, root, proof));
      auto longer = proof;
      longer.push_back(root);
      CHECK_FALSE(verify_consistency(old_size, size, old_root, root, longer));
      for (std::size_t step = 0; step < proof.size(); ++step) {
        auto tampered = proof;
        tampered[step].bytes[0] ^= 1;
        CHECK_FALSE(verify_consistency(old_size, size, old_root, root, tampered));
      }
    }
  }
}

TEST_CASE("merkle: the known answers for RFC 6962") {
  std::ifstream file(test::vectors_dir() / "rfc6962.json");
  if (!file) {
    std::cerr << "NO VECTORS: rfc6962.json was not found under " << test::vectors_dir()
              << "; set GRADMINT_VECTORS\n";
    return;
  }
  const auto vectors = nlohmann::json::parse(file);
  std::size_t run = 0;
  for (const auto& v : vectors.at("inclusion")) {
    const auto leaf = decode_hash(v.at("leafHash"));
    const auto root = decode_hash(v.at("root"));
    const auto proof = decode_proof(v.at("proof"));
    const bool accepted = leaf && root && proof &&
                          verify_inclusion(*leaf, v.at("leafIdx").get<std::uint64_t>(),
                                           v.at("treeSize").get<std::uint64_t>(), *proof, *root);
    CAPTURE(v.at("name").get<std::string>());
    CHECK(accepted == !v.at("wantErr").get<bool>());
    ++run;
  }
  const std::size_t inclusion = run;
  for (const auto& v : vectors.at("consistency")) {
    const auto old_root = decode_hash(v.at("root1"));
    const auto new_root = decode_hash(v.at("root2"));
    const auto proof = decode_proof(v.at("proof"));
    const bool accepted =
        old_root && new_root && proof &&
        verify_consistency(v.at("size1").get<std::uint64_t>(), v.at("size2").get<std::uint64_t>(),
                           *old_root, *new_root, *proof);
    CAPTURE(v.at("name").get<std::string>());
    CHECK(accepted == !v.at("wantErr").get<bool>());
    ++run;
  }
  std::cout << "rfc6962.json: " << inclusion << " inclusion and " << run - inclusion
            << " consistency cases\n";
  CHECK(run > 0);
}

TEST_CASE("blob root: golden values") {
  struct Row {
    std::size_t size_bytes;
    std::string_view expected;
  };
  const Row rows[] = {
      {0, "bbd3a4f46b225e6044dc30d3a35a36e96424c2ae12f21a45c5bb512da1d164cf"},
      {1, "2deda99cdddde89e0b522dff55d040953ad84e8dce8f2af4c32d68436f0ca49b"},
      {4095, "97df839dedc11c0134d29f40487a04ee08aff4999133ca20a084a6565588a27b"},
      {4096, "f8df4348fb193d0c3e96b0da566c3e1ec968f81693b9f40d7533756ed769fb92"},
      {4097, "7f7153a949fc8d0ac6de167ebe970c07507dbb871015eb5cf9b34010ce8bcf63"},
      {12288, "8b85463361d2cebbad4b50c9caaaff13316531de7f73775026a2067536f3cf5b"},
      {100000, "987da0fefd18d7b5f0338e7f9d171261e33474a43250ff15fb1be74f6cf0aaea"},
  };
  for (const Row& row : rows) CHECK(to_hex(blob_root(pattern(row.size_bytes))) == row.expected);
}

TEST_CASE("blob root: pieces of any size give what the whole gives") {
  const Bytes payload = pattern(20000);
  const Hash whole = blob_root(payload);
  for (const std::size_t step : {1u, 7u, 4095u, 4096u, 4097u, 9000u, 20000u}) {
    BlobHasher hasher;
    for (ByteView left = payload; !left.empty();) {
      const std::size_t size = std::min(step, left.size());
      hasher.update(left.first(size));
      hasher.update({});
      left = left.subspan(size);
    }
    CAPTURE(step);
    CHECK(hasher.finish() == whole);
  }
}
