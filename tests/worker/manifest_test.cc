#include "worker/manifest.h"

#include <doctest/doctest.h>

#include "ledger/hash.h"
#include "ledger/merkle.h"

using namespace gradmint;

namespace {
Dataset three_rows() {
  Dataset data;
  data.task = Task::classification;
  data.sample_shape = {2};
  data.classes = {"a", "b"};
  data.features = {1, 2, 3, 4, 5, 6};
  data.labels = {0, 1, 0};
  data.schema = "two numbers";
  return data;
}
}  // namespace

TEST_CASE("the root is the RFC 6962 tree over salted samples, and one leaf can be opened") {
  const Dataset data = three_rows();
  const Hash secret = sha256(as_bytes("secret"));
  const DatasetManifest manifest = make_manifest(data, secret, "a lab", "CC0");
  CHECK(manifest.count == 3);
  CHECK(manifest.schema == "two numbers");
  std::vector<Hash> leaves;
  for (std::uint64_t row = 0; row < 3; ++row)
    leaves.push_back(merkle_leaf_hash(
        sample_commitment(sample_salt(secret, row), sample_bytes(data, row)).view()));
  CHECK(manifest.root == merkle_root(leaves));
  const auto proof = merkle_inclusion_proof(leaves, 1);
  CHECK(verify_inclusion(leaves[1], 1, 3, proof, manifest.root));
}

TEST_CASE("secret, order, features and labels all reach the root") {
  const Hash secret = sha256(as_bytes("secret"));
  const Hash root = make_manifest(three_rows(), secret, "", "").root;
  CHECK(make_manifest(three_rows(), secret, "other", "x").root == root);
  CHECK(make_manifest(three_rows(), sha256(as_bytes("other")), "", "").root != root);
  Dataset changed = three_rows();
  changed.labels[2] = 1;
  CHECK(make_manifest(changed, secret, "", "").root != root);
  changed = three_rows();
  changed.features[0] = 9;
  CHECK(make_manifest(changed, secret, "", "").root != root);
  const std::vector<std::uint32_t> swapped = {1, 0, 2};
  CHECK(make_manifest(select_rows(three_rows(), swapped), secret, "", "").root != root);
}

TEST_CASE("a sample's bytes: features, then the label, little endian") {
  const Bytes expected = {0, 0, 0x40, 0x40, 0, 0, 0x80, 0x40, 1, 0, 0, 0};  // 3.0, 4.0, 1
  CHECK(sample_bytes(three_rows(), 1) == expected);
}
