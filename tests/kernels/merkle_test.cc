// SHA-256 and Merkle roots by the rule that the GPU runs, against published answers. The comparison
// with OpenSSL is tests/ledger/blob_root_test.cc.
#include "kernels/merkle.h"

#include <doctest/doctest.h>

#include <string>

#include "kernels/merkle_rule.h"
#include "tests/kernels/merkle_samples.h"

using namespace gradmint;
using namespace gradmint::kernels;

namespace {

std::string hex(const Digest& digest) {
  std::string text;
  for (const std::uint8_t byte : bytes_of(digest)) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

// SHA-256 of a message of at least one byte: the first is the prefix.
Digest sha256_of(const std::string& message) {
  PrefixedSha256 hasher(static_cast<std::uint8_t>(message.at(0)));
  const std::string data = message.substr(1);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(data.data());
  std::size_t at = 0;
  for (; at + 64 <= data.size(); at += 64) {
    std::uint32_t words[16] = {};
    for (std::size_t i = 0; i < 64; ++i) words[i / 4] = words[i / 4] << 8 | bytes[at + i];
    hasher.absorb(words);
  }
  return hasher.finish(bytes + at, static_cast<int>(data.size() - at), data.size());
}

}  // namespace

TEST_CASE("SHA-256 by the rule gives the answers FIPS 180-4 was published with") {
  CHECK(hex(digest_of_nothing()) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex(sha256_of("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex(sha256_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(hex(sha256_of(std::string(1000000, 'a'))) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a byte of data, its place and the leaf's prefix all count") {
  const std::uint8_t zero = 0, one = 1;
  CHECK(leaf_digest(&zero, 1) != leaf_digest(&one, 1));
  CHECK(leaf_digest(&zero, 0) != leaf_digest(&zero, 1));
  CHECK(leaf_digest(&zero, 0) != digest_of_nothing());
  const Digest a = leaf_digest(&zero, 1), b = leaf_digest(&one, 1);
  CHECK(node_digest(a, b) != node_digest(b, a));
}

TEST_CASE("golden Merkle roots that every backend must give") {
  struct Known {
    std::size_t length;
    const char* root;
  };
  const Known known[] = {
      {0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {1, "1c9cfb2618360748b0ca7f2bc9829f6a46788ba3adcfdf4b6ae055869b87ae7f"},
      {4097, "1fde71bd34228bf8a8955d5ee2b6ad2f905056ba6dd81f55577b7643abbf53a6"},
      {3 * 4096, "3572c43f8c60328c760f7cf743df0a647206f13d3e567150a508f4997027b4f6"},
      {513 * 4096, "a779f47d9eec80d85830b610f9de0d2f004dd02ffc48e13d7d8f552356300bd9"},
  };
  for (const Known& each : known) {
    CAPTURE(each.length);
    CHECK(hex(merkle_root_by_rule(test::merkle_bytes(each.length))) == each.root);
  }
}
