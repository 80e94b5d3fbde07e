// Roots of blobs: on any number of threads, in pieces, by definition, and by the rule that a GPU
// runs (kernels/merkle_rule.h), all through OpenSSL's SHA-256 but the last.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "kernels/merkle.h"
#include "kernels/merkle_rule.h"
#include "ledger/hash.h"
#include "ledger/merkle.h"
#include "tests/kernels/merkle_samples.h"

using namespace gradmint;

namespace {

Hash as_hash(const kernels::Digest& digest) { return Hash{kernels::bytes_of(digest)}; }

Hash tree_root(ByteView payload) {
  std::vector<Hash> leaves;
  for (std::size_t at = 0; at < payload.size(); at += kBlobLeafBytes) {
    leaves.push_back(
        merkle_leaf_hash(payload.subspan(at, std::min(kBlobLeafBytes, payload.size() - at))));
  }
  return merkle_root(leaves);
}

Hash root_by_definition(ByteView payload) {
  Bytes statement;
  for (int i = 0; i < 8; ++i) {
    statement.push_back(static_cast<std::uint8_t>(std::uint64_t{payload.size()} >> (8 * i)));
  }
  const Hash tree = tree_root(payload);
  statement.insert(statement.end(), tree.bytes.begin(), tree.bytes.end());
  return tagged_hash("gradmint/blob/v1", statement);
}

}  // namespace

TEST_CASE("a blob has one root, whoever hashes it and with how many threads") {
  constexpr std::size_t subtree = std::size_t{1} << 20;
  std::vector<std::size_t> lengths = test::merkle_lengths();
  for (const std::size_t more : {subtree - 1, subtree, subtree + 1, 2 * subtree, 2 * subtree + 4096,
                                 3 * subtree + 5, 5 * subtree + 4097}) {
    lengths.push_back(more);
  }
  for (const std::size_t length : lengths) {
    CAPTURE(length);
    const Bytes payload = test::merkle_bytes(length);
    const Hash expected = root_by_definition(payload);
    for (const int threads : {1, 2, 3, 8}) CHECK(blob_root(payload, threads) == expected);
    BlobHasher pieces;
    for (std::size_t at = 0; at < length; at += 100003) {
      pieces.update(ByteView(payload).subspan(at, std::min<std::size_t>(100003, length - at)));
    }
    CHECK(pieces.finish() == expected);
  }
}

TEST_CASE("SHA-256 by the rule is OpenSSL's at every length around a block") {
  const Bytes bytes = test::merkle_bytes(4096);
  std::vector<std::size_t> lengths = {4031, 4032, 4033, 4086, 4087, 4094, 4095, 4096};
  for (std::size_t length = 0; length <= 260; ++length) lengths.push_back(length);
  for (const std::size_t length : lengths) {
    CAPTURE(length);
    const auto digest = kernels::leaf_digest(bytes.data(), static_cast<int>(length));
    CHECK(as_hash(digest) == merkle_leaf_hash(ByteView(bytes).first(length)));
  }
  const kernels::Digest left = kernels::leaf_digest(bytes.data(), 3);
  const kernels::Digest right = kernels::leaf_digest(bytes.data(), 4);
  CHECK(as_hash(kernels::node_digest(left, right)) ==
        merkle_node_hash(as_hash(left), as_hash(right)));
}

TEST_CASE("Merkle roots by the rule are those of the ledger's trees") {
  for (const std::size_t length : test::merkle_lengths()) {
    CAPTURE(length);
    const Bytes payload = test::merkle_bytes(length);
    CHECK(as_hash(kernels::merkle_root_by_rule(payload)) == tree_root(payload));
  }
}
