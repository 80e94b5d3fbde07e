#include "ledger/hash.h"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

using namespace gradmint;

TEST_CASE("sha256: the examples of FIPS 180") {
  struct Row {
    std::string text;
    std::string_view expected;
  };
  const Row rows[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {std::string(1000000, 'a'),
       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  for (const Row& row : rows) CHECK(to_hex(sha256(as_bytes(row.text))) == row.expected);
}

TEST_CASE("sha256: pieces give what the whole gives") {
  const std::string text = "the bytes of a statement, cut anywhere";
  const Hash whole = sha256(as_bytes(text));
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const ByteView head = as_bytes(text).first(cut);
    const ByteView tail = as_bytes(text).subspan(cut);
    CHECK(Sha256().update(head).update(tail).finish() == whole);
    CHECK(sha256_concat({head, tail}) == whole);
  }
  Sha256 moved_from;
  moved_from.update(as_bytes(text));
  Sha256 moved_to = std::move(moved_from);
  CHECK(moved_to.finish() == whole);
}

TEST_CASE("tagged hash: golden values, and tags keep statements apart") {
  CHECK(to_hex(tagged_hash("gradmint/transaction/v1", as_bytes("abc"))) ==
        "33119653a55eefdb1bc25b81bf8f0cd5e00eacbe05043a8b1579f23d0e5e7c2e");
  CHECK(to_hex(tagged_hash("BIP0340/challenge", {})) ==
        "c216d352f5818b7b4beacd4ae0a26fe888080823d2a598856661bcd54f1b3713");
  CHECK(tagged_hash("a", as_bytes("b")) != tagged_hash("ab", {}));
}

TEST_CASE("sha256: threads do not disturb each other") {
  const Hash expected = sha256(as_bytes("abc"));
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&wrong, &expected, t] {
      for (int i = 0; i < 2000; ++i) wrong[t] += sha256(as_bytes("abc")) != expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : wrong) CHECK(count == 0);
}
