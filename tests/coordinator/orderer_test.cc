// The validator's own statements on their way into blocks.
#include "coordinator/order/orderer.h"

#include <doctest/doctest.h>

#include "tests/coordinator/orderer_place.h"

using namespace gradmint;
using namespace gradmint::test;

TEST_CASE("a statement of the validator that is refused takes no other with it") {
  const OrdererPlace place;
  const World& w = place.world;
  const auto opened = place.open();
  Orderer& orderer = *opened;
  const AccountId nobody = hash_of("nobody"), other = hash_of("other");
  orderer.propose(TxType::suspend_member,
                  encode_record(SuspendMember{nobody, SuspendReason::operator_decision, "why"}), 7);
  orderer.propose(TxType::readmit_member, encode_record(ReadmitMember{nobody}), 8);
  orderer.propose(TxType::transfer, encode_record(Transfer{other, 1, ""}));
  orderer.propose(TxType::transfer, encode_record(Transfer{other, 2, ""}));

  const auto first = make_block(orderer, w.chain.tip().time_ms + 1, false);
  REQUIRE(first.ok());
  CHECK(first->committed);
  REQUIRE(first->outcomes.size() == 3);
  CHECK(first->outcomes[0].verdict == Verdict::ok);
  CHECK(first->outcomes[1].verdict == Verdict::ok);
  CHECK(first->outcomes[2].verdict == Verdict::unknown_worker);
  CHECK(first->outcomes[2].ticket == 7);

  const auto second = make_block(orderer, w.chain.tip().time_ms + 2, false);
  REQUIRE(second.ok());
  CHECK_FALSE(second->committed);
  REQUIRE(second->outcomes.size() == 1);
  CHECK(second->outcomes[0].verdict == Verdict::unknown_worker);
  CHECK(second->outcomes[0].ticket == 8);
  const auto none = orderer.advance(w.chain.tip().time_ms + 3);
  REQUIRE(none.ok());
  CHECK_FALSE(none->has_value());
}
