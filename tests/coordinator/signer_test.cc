// The key that signs no two statements which contradict each other, in this life or the next.
#include "coordinator/order/signer.h"

#include <doctest/doctest.h>

#include "ledger/durable_file.h"
#include "tests/coordinator/orderer_place.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

// The block after the tip, as it would be at this time.
Block next_block(const Orderer& orderer, std::uint64_t time_ms) {
  return orderer.chain().prepare({}, time_ms, orderer.account()).block;
}

Acknowledgement held(std::uint64_t round, std::uint32_t attempt, const char* worker,
                     const char* root) {
  Acknowledgement a{{round, attempt}, hash_of(worker), {}, true};
  a.opening.root = hash_of(root);
  return a;
}

Result<std::unique_ptr<Signer>> open_signer(const OrdererPlace& place, const Chain& chain) {
  return Signer::open(place.world.validator(), place.files(), chain, place.ledger());
}

}  // namespace

TEST_CASE("signer: one block a height, before and after a restart") {
  const OrdererPlace place;
  place.extend_to(2);
  const auto orderer = place.open();
  const Block first = next_block(*orderer, 2'000'000'000'000);
  const Block other = next_block(*orderer, 2'000'000'000'001);
  Block below = first;
  below.header.height = 2;
  Block foreign = first;
  foreign.header.chain_id = hash_of("another chain");
  foreign.header.height = 4;

  Signer& signer = orderer->signer();
  const auto vote = signer.vote(first);
  REQUIRE(vote.ok());
  CHECK(verify_certificate(*vote, first.header, place.world.genesis.validators) == Verdict::ok);
  const auto check_refusals = [&](Signer& by) {
    for (const Block& block : {other, below, foreign}) {
      const auto refused = by.vote(block);
      REQUIRE_FALSE(refused.ok());
      CHECK(refused.error().code == ErrorCode::refused);
      CHECK(refused.error().message.find("has signed block 3") != std::string::npos);
    }
    const auto again = by.vote(first);
    REQUIRE(again.ok());
    CHECK(encode_record(*again) == encode_record(*vote));
  };
  check_refusals(signer);
  const auto later = open_signer(place, orderer->chain());
  REQUIRE(later.ok());
  REQUIRE((*later)->ahead().has_value());
  CHECK((*later)->ahead()->block.header.hash() == first.header.hash());
  check_refusals(**later);
}

TEST_CASE("signer: one receipt a worker and attempt, before and after a restart") {
  const OrdererPlace place;
  const auto orderer = place.open();
  struct Row {
    Acknowledgement asked;
    bool is_signed;
  };
  const Row rows[] = {
      {held(3, 1, "ann", "x"), true},  {held(3, 1, "ann", "x"), true},
      {held(3, 1, "ann", "y"), false}, {held(3, 1, "bob", "y"), true},
      {held(3, 0, "eve", "z"), false},  // that attempt is over
      {held(2, 9, "eve", "z"), false}, {held(3, 2, "ann", "y"), true},
      {held(3, 1, "ann", "x"), false}, {held(4, 0, "ann", "x"), true},
      {held(4, 0, "bob", "x"), true},  // its own concern
      {held(4, 0, "ann", "y"), false},
  };
  auto signer = open_signer(place, orderer->chain());
  for (const Row& row : rows) {
    REQUIRE(signer.ok());
    CAPTURE(row.asked.attempt.round);
    const auto receipt = (*signer)->receipt(row.asked);
    CHECK(receipt.ok() == row.is_signed);
    if (receipt.ok()) {
      CHECK(receipt_signer(*receipt, orderer->chain().chain_id(), row.asked.attempt,
                           row.asked.worker, row.asked.opening.root,
                           place.world.genesis.validators) == orderer->account());
    } else {
      CHECK(receipt.error().code == ErrorCode::refused);
    }
    signer = open_signer(place, orderer->chain());
  }
}

TEST_CASE("signer: receipts that a power cut has torn, that are damaged, or gone") {
  const OrdererPlace place;
  const auto orderer = place.open();
  const std::filesystem::path file = place.files().receipts;
  const Chain& chain = orderer->chain();
  for (const char* worker : {"ann", "bob", "eve"})
    REQUIRE(orderer->signer().receipt(held(3, 1, worker, "x")).ok());
  const Bytes whole = read_file(file, 1 << 20).value();
  const std::size_t record = (whole.size() - 20) / 3;

  // The last record only: it was never acted on, so another may be signed in its place.
  for (std::size_t cut = 0; cut < record; cut += 5) {
    for (const bool has_zeros : {false, true}) {
      Bytes torn(whole.begin(), whole.end() - static_cast<std::ptrdiff_t>(record - cut));
      if (has_zeros) torn.resize(whole.size());
      REQUIRE(replace_file(file, torn, 0600).ok());
      const auto signer = open_signer(place, chain);
      REQUIRE(signer.ok());
      CHECK((*signer)->receipt(held(3, 1, "eve", "y")).ok());
      CHECK_FALSE((*signer)->receipt(held(3, 1, "bob", "y")).ok());
      CHECK(open_signer(place, chain).ok());
    }
  }
  for (const std::size_t byte : {std::size_t{3}, std::size_t{25}, 20 + record + 1}) {
    Bytes flipped = whole;
    flipped[byte] ^= 1;
    REQUIRE(replace_file(file, flipped, 0600).ok());
    const auto signer = open_signer(place, chain);
    REQUIRE_FALSE(signer.ok());
    CHECK(signer.error().code == ErrorCode::corrupt);
    CHECK(signer.error().message.find("is damaged") != std::string::npos);
  }
  std::filesystem::remove(file);
  const auto gone = open_signer(place, chain);
  REQUIRE_FALSE(gone.ok());
  CHECK(gone.error().code == ErrorCode::not_found);
  CHECK(gone.error().message.find("vouch --height 0") != std::string::npos);
}

TEST_CASE("signer: a history that a worker has shown stops it, and the next one") {
  const OrdererPlace place;
  place.extend_to(2);
  const auto orderer = place.open();
  const Block next = next_block(*orderer, 2'000'000'000'000);
  Header other = next.header;
  other.time_ms += 7;
  const Certificate theirs = certify(other, {{0, place.world.validator()}});
  REQUIRE(orderer->signer()
              .keep_other_history(3, other.hash(), encode_record(other), encode_record(theirs))
              .ok());
  CHECK_FALSE(orderer->signer().vote(next).ok());
  Block above = next;
  above.header.height = 4;
  CHECK_FALSE(orderer->signer().vote(above).ok());
  const auto later = open_signer(place, orderer->chain());
  REQUIRE_FALSE(later.ok());
  CHECK(later.error().message.find("second history") != std::string::npos);
}
