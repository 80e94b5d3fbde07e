// Under an order that answers when a test says so: what was proposed may be dropped, come late, or
// stand in another block than the one that was asked for last.
#include <doctest/doctest.h>

#include "tests/coordinator/orderer_place.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

struct Script {
  std::vector<Block> proposed;
  std::optional<CertifiedBlock> next;
  bool takes_proposals = true;
};

class ScriptedOrdering final : public Ordering {
 public:
  explicit ScriptedOrdering(Script& script) : script_(script) {}
  Status propose(const Block& block) override {
    script_.proposed.push_back(block);
    return {};
  }
  Result<std::optional<CertifiedBlock>> next(std::uint64_t) override { return script_.next; }
  Standing standing() const override { return {script_.takes_proposals}; }
  Status acknowledge(const Acknowledgement&) override { return {}; }
  std::vector<Acknowledgement> acknowledged() override { return {}; }

 private:
  Script& script_;
};

struct LateOrder {
  LateOrder() {
    auto opened = open_orderer(
        place.ledger(), place.files(), world.validator(), [this](Signer&, const GenesisRecord&) {
          return Result<std::unique_ptr<Ordering>>(std::make_unique<ScriptedOrdering>(script));
        });
    REQUIRE(opened.ok());
    orderer = *std::move(opened);
  }
  // Says a block that was proposed is the next.
  void decide(std::size_t which) {
    const Block& block = script.proposed.at(which);
    script.next = CertifiedBlock{block, *orderer->signer().vote(block)};
  }
  std::optional<OrderedBlock> advance() {
    auto block = orderer->advance(time_ms++);
    REQUIRE(block.ok());
    return *std::move(block);
  }
  void register_worker(int worker, std::uint64_t ticket) {
    REQUIRE(orderer->submit(
        world.say(world.workers[static_cast<std::size_t>(worker)], world.registration(worker)),
        ticket, {hash_of(std::to_string(worker)), false}));
  }

  OrdererPlace place;
  World& world = place.world;
  Script script;
  std::unique_ptr<Orderer> orderer;
  std::uint64_t time_ms = 2'000'000'000'000;
};

}  // namespace

TEST_CASE("order: nothing stands before it is said to, and nothing is proposed unasked") {
  LateOrder o;
  CHECK_FALSE(o.advance());
  CHECK(o.script.proposed.empty());
  o.register_worker(0, 7);
  o.script.takes_proposals = false;
  CHECK_FALSE(o.advance());
  CHECK(o.script.proposed.empty());
  o.script.takes_proposals = true;
  CHECK_FALSE(o.advance());
  CHECK(o.orderer->chain().height() == 0);
  o.decide(0);
  const auto block = o.advance();
  REQUIRE(block);
  CHECK(block->committed);
  REQUIRE(block->outcomes.size() == 1);
  CHECK(block->outcomes[0].ticket == 7);
  CHECK(block->outcomes[0].verdict == Verdict::ok);
  CHECK(o.orderer->chain().height() == 1);
}

TEST_CASE("order: an earlier proposal that comes after a later one was made") {
  LateOrder o;
  const AccountId whom = hash_of("whom");
  o.orderer->propose(TxType::transfer, encode_record(Transfer{whom, 1, ""}), 3);
  o.register_worker(0, 7);
  CHECK_FALSE(o.advance());
  o.register_worker(1, 8);
  o.orderer->propose(TxType::transfer, encode_record(Transfer{whom, 2, ""}));
  CHECK_FALSE(o.advance());  // the first had no answer: another
  REQUIRE(o.script.proposed.size() == 2);
  CHECK(o.script.proposed[1].transactions.size() == 4);
  o.decide(0);
  const auto block = o.advance();
  REQUIRE(block);
  REQUIRE(block->outcomes.size() == 2);
  CHECK(block->outcomes[0].ticket == 3);
  CHECK(block->outcomes[1].ticket == 7);
  REQUIRE(block->receipts.size() == 2);

  // The key votes for no second one, and who is left waits for the next.
  CHECK_FALSE(o.orderer->signer().vote(o.script.proposed[1]).ok());
  CHECK_FALSE(o.advance());
  REQUIRE(o.script.proposed.size() == 3);
  REQUIRE(o.script.proposed[2].transactions.size() == 1);  // the round's statement is void
  o.decide(2);
  const auto next = o.advance();
  REQUIRE(next);
  REQUIRE(next->outcomes.size() == 1);
  CHECK(next->outcomes[0].ticket == 8);
}

TEST_CASE("order: what was queued twice is answered twice, whose block it ever stands in") {
  LateOrder o;
  o.register_worker(0, 7);
  o.register_worker(0, 8);  // a message that came again
  CHECK_FALSE(o.advance());
  o.register_worker(1, 9);
  CHECK_FALSE(o.advance());
  o.decide(0);  // not the one asked for last
  const auto block = o.advance();
  REQUIRE(block);
  REQUIRE(block->outcomes.size() == 1);
  CHECK(block->outcomes[0].ticket == 7);
  CHECK_FALSE(o.advance());
  o.decide(2);
  const auto next = o.advance();
  REQUIRE(next);
  REQUIRE(next->outcomes.size() == 2);
  CHECK(next->outcomes[0].ticket == 8);
  CHECK(next->outcomes[0].verdict != Verdict::ok);
  CHECK(next->outcomes[1].ticket == 9);
}

TEST_CASE("order: what stands already is passed over, and another history ends it") {
  LateOrder o;
  o.register_worker(0, 7);
  CHECK_FALSE(o.advance());
  o.decide(0);
  REQUIRE(o.advance());
  CHECK_FALSE(o.advance());  // the same block again
  CHECK(o.orderer->chain().height() == 1);

  o.script.next->block.header.time_ms += 1;
  const auto other = o.orderer->advance(1);
  REQUIRE_FALSE(other.ok());
  CHECK(other.error().code == ErrorCode::corrupt);
  CHECK(other.error().message.find("another block 1") != std::string::npos);
}

TEST_CASE("order: a block that no quorum signed, or that does not follow, is not taken") {
  LateOrder o;
  o.register_worker(0, 7);
  CHECK_FALSE(o.advance());
  o.decide(0);
  const CertifiedBlock good = *o.script.next;
  o.script.next->certificate.votes.clear();
  CHECK(o.orderer->advance(1).error().message.find("no_quorum") != std::string::npos);

  CertifiedBlock wrong = good;
  wrong.block.header.state_root = hash_of("wrong");
  wrong.certificate = certify(wrong.block.header, {{0, o.world.validator()}});
  o.script.next = wrong;
  CHECK(o.orderer->advance(1).error().message.find("wrong_state_root") != std::string::npos);
  CHECK(o.orderer->chain().height() == 0);
  o.script.next = good;
  CHECK(o.advance());
}
