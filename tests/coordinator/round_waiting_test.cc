// Whom a round waits for, and who is suspended for having it wait in vain.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include "tests/coordinator/round_desk.h"

using namespace gradmint;
using test::Desk;

TEST_CASE("a payload that is refused for good is not waited for, whatever the refusal") {
  struct Case {
    const char* what;
    std::function<void(Desk&)> refusal;
  };
  const Case cases[] = {
      {"its root was seen before",
       [](Desk& d) {
         CHECK(d.feed(PayloadUnusable{d.worker(2), d.world.opening_of(2)}) == Verdict::ok);
       }},
      {"it opens nothing",
       [](Desk& d) { CHECK(d.feed(RevealGivenUp{d.worker(2)}) == Verdict::ok); }},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    for (const bool refused_last : {false, true}) {
      Desk desk;
      desk.opened();
      CHECK(desk.feed(RevealGivenUp{desk.worker(2)}) == Verdict::wrong_phase);
      desk.world.commit();
      desk.ledger();
      desk.world.close();
      desk.ledger();
      if (!refused_last) c.refusal(desk);
      desk.feed(PayloadStored{desk.worker(0), desk.world.opening_of(0)});
      CHECK(desk.asked<Execute>() == nullptr);
      desk.feed(PayloadStored{desk.worker(1), desk.world.opening_of(1)});
      if (refused_last) {
        CHECK(desk.asked<Execute>() == nullptr);
        c.refusal(desk);
      }
      CHECK(desk.asked<Execute>() != nullptr);
    }
  }
}

TEST_CASE("who watches sees each one's part, and who is late once half are done") {
  using Part = RoundMachine::Part;
  Desk desk;
  CHECK(desk.machine.part_of(desk.worker(0)) == Part::none);
  CHECK_FALSE(desk.machine.heard_ms(desk.worker(0)).has_value());
  desk.opened();
  CHECK(desk.machine.heard_ms(desk.worker(0)) == 1000);
  CHECK(desk.machine.part_of(desk.worker(0)) == Part::working);
  desk.feed(TrainingGivenUp{desk.worker(2), 1, "no"});
  CHECK(desk.machine.part_of(desk.worker(2)) == Part::given_up);
  desk.world.commit();  // all three; the one that gave up as well
  desk.ledger();
  CHECK(desk.machine.part_of(desk.worker(2)) == Part::done);
  desk.world.close();
  desk.ledger();
  CHECK(desk.machine.part_of(desk.worker(0)) == Part::working);
  // Half are done after 1900 ms: from 1900 + the stall limit of 2000 on the third is late, until
  // three times as long has passed and nobody waits for it any more.
  desk.now_ms += 1900;
  desk.hear_all();
  desk.feed(PayloadStored{desk.worker(0), desk.world.opening_of(0)});
  desk.feed(PayloadStored{desk.worker(1), desk.world.opening_of(1)});
  CHECK(desk.machine.part_of(desk.worker(0)) == Part::done);
  CHECK_FALSE(desk.machine.overdue_ms(desk.worker(2), desk.now_ms).has_value());
  desk.now_ms += 1999;
  desk.feed(WorkerHeard{desk.worker(2)});
  desk.feed(Tick{});
  CHECK_FALSE(desk.machine.overdue_ms(desk.worker(2), desk.now_ms).has_value());
  desk.now_ms += 1;
  desk.feed(Tick{});
  CHECK(desk.machine.overdue_ms(desk.worker(2), desk.now_ms) == desk.now_ms);
  CHECK_FALSE(desk.machine.overdue_ms(desk.worker(0), desk.now_ms).has_value());
  desk.now_ms += 1900;
  desk.feed(WorkerHeard{desk.worker(2)});
  desk.feed(Tick{});
  CHECK(desk.asked<Execute>() != nullptr);
  CHECK(desk.machine.part_of(desk.worker(2)) == Part::none);
}

TEST_CASE("who opened nothing and reveals after all counts") {
  Desk desk;
  desk.closed();
  desk.feed(RevealGivenUp{desk.worker(2)});
  CHECK(desk.feed(RevealGivenUp{desk.worker(2)}) == Verdict::duplicate);
  CHECK(desk.feed(PayloadStored{desk.worker(2), desk.world.opening_of(2)}) == Verdict::ok);
  desk.feed(PayloadStored{desk.worker(0), desk.world.opening_of(0)});
  CHECK(desk.asked<Execute>() == nullptr);
  desk.feed(PayloadStored{desk.worker(1), desk.world.opening_of(1)});
  REQUIRE(desk.asked<Execute>() != nullptr);
  CHECK(desk.asked<Execute>()->openings.size() == 3);
}

TEST_CASE("too few payloads are left when the others were refused: the attempt ends at once") {
  Desk desk;
  desk.closed();
  desk.feed(PayloadStored{desk.worker(0), desk.world.opening_of(0)});
  desk.feed(RevealGivenUp{desk.worker(1)});
  CHECK(!desk.proposes(TxType::abandon_round));
  desk.feed(RevealGivenUp{desk.worker(2)});
  CHECK(desk.proposes(TxType::abandon_round));
}

namespace {

// Evaluated by its three workers; a round with a result.
struct EvaluatingDesk : Desk {
  EvaluatingDesk() {
    RoundPolicy p = machine.policy();
    p.evaluate_here = false;
    machine = RoundMachine(p);
  }
  void open_with_workers() {
    hear_all();
    world.must(world.validator(), next_open_round(machine.policy(), machine.view()));
    ledger();
    world.commit();
    ledger();
    world.close();
    ledger();
    world.result();
    ledger();
    hear_all();
  }
  bool waits() {
    feed(Tick{});
    return asked<ProposeEmptyBlock>() == nullptr;
  }
  void attest(int i) {
    const SecretKey& key = world.workers[static_cast<std::size_t>(i)];
    world.must(key, world.evaluation_commitment_body(key));
    ledger();
  }
  void settle_without() {
    for (int i = 0; i < 20 && !proposes(TxType::settle_round); ++i) {
      world.empty_blocks(1);
      ledger();
    }
    world.must(world.validator(), world.settle_body());
    ledger();
  }
};

}  // namespace

TEST_CASE("an evaluator that says it has no attestation is not waited for") {
  EvaluatingDesk desk;
  desk.world.enrol();
  desk.ledger();
  desk.open_with_workers();
  desk.attest(0);
  CHECK(desk.waits());
  desk.feed(EvaluationGivenUp{desk.worker(1), 1});
  CHECK(desk.waits());
  CHECK(desk.feed(EvaluationGivenUp{desk.worker(2), 2}) == Verdict::wrong_round);
  CHECK(desk.feed(EvaluationGivenUp{desk.worker(2), 1}) == Verdict::ok);
  CHECK(desk.asked<ProposeEmptyBlock>() != nullptr);
}

TEST_CASE("an evaluator that was waited for in vain is not waited for in the next round") {
  EvaluatingDesk desk;
  desk.world.enrol();
  desk.ledger();
  desk.open_with_workers();
  desk.attest(0);
  desk.attest(1);
  CHECK(desk.waits());  // for the third, who is there
  desk.now_ms += 1'500;
  desk.hear_all();
  CHECK(desk.waits());
  desk.now_ms += 1'000;  // the stall limit: half of them took less than a third of it
  desk.hear_all();
  CHECK(!desk.waits());
  desk.settle_without();
  CHECK(desk.machine.station() == Station::waiting);

  desk.open_with_workers();
  desk.attest(0);
  CHECK(desk.waits());
  desk.attest(1);
  CHECK(desk.asked<ProposeEmptyBlock>() != nullptr);
}

namespace {

// Rounds in which the third member gives nothing.
struct IdleDesk : Desk {
  IdleDesk() {
    RoundPolicy p = machine.policy();
    p.rounds = 100;
    machine = RoundMachine(p);
    world.enrol();
    ledger();
  }
  void round(bool third_is_there, bool third_gives_up = false) {
    now_ms += 20'000;  // longer than anybody counts as there
    for (int i = 0; i < (third_is_there ? 3 : 2); ++i) feed(WorkerHeard{worker(i)});
    world.open();
    ledger();
    if (third_gives_up) {
      CHECK(feed(TrainingGivenUp{worker(2), world.round().round}) == Verdict::ok);
    }
    for (const auto& step :
         std::vector<std::function<void()>>{[&] {
                                              world.commit({0, 1});
                                            },
                                            [&] { world.close(); }, [&] { world.result(); },
                                            [&] { world.attest(); }, [&] { world.settle(); }}) {
      step();
      ledger();
    }
  }
};

}  // namespace

TEST_CASE("who is there and gives no update in three rounds in a row is suspended, and no sooner") {
  IdleDesk desk;
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(desk.proposes(TxType::suspend_member));
    desk.round(true);
  }
  REQUIRE(desk.proposes(TxType::suspend_member));
  const auto body = decode_record<SuspendMember>(desk.asked<Propose>()->body);
  REQUIRE(body.has_value());
  CHECK(body->account == desk.worker(2));
  CHECK(body->reason == SuspendReason::absent);
  desk.world.must(desk.world.validator(), *body);
  desk.ledger();
  REQUIRE(desk.proposes(TxType::open_round));
  CHECK(decode_record<OpenRound>(desk.asked<Propose>()->body)->members.size() == 2);
}

TEST_CASE("who is away costs nothing and is not suspended, nor who says that it has no update") {
  for (const bool says_so : {false, true}) {
    CAPTURE(says_so);
    IdleDesk desk;
    for (int i = 0; i < 5; ++i) {
      desk.round(says_so, says_so);
      CHECK_FALSE(desk.proposes(TxType::suspend_member));
    }
  }
}

TEST_CASE("a refused suspension does not keep the next round from opening") {
  IdleDesk desk;
  for (int i = 0; i < 3; ++i) desk.round(true);
  REQUIRE(desk.proposes(TxType::suspend_member));
  desk.ledger();  // nothing of it stands
  CHECK(desk.proposes(TxType::open_round));
}

TEST_CASE("when all places are taken, whoever keeps one for nothing goes, though it is away") {
  IdleDesk desk;
  desk.round(false);
  RoundView view = view_of(desk.world.chain);
  const AccountId absent = test::hash_of("member 7");
  for (std::uint32_t i = 0; view.members.size() + 1 < kMaxMembers; ++i)
    view.members.push_back(test::hash_of("member " + std::to_string(i)));
  std::sort(view.members.begin(), view.members.end());
  view.missed = {{absent, 3}, {desk.worker(0), 2}};
  desk.feed(LedgerAdvanced{view});
  CHECK_FALSE(desk.proposes(TxType::suspend_member));
  view.members.push_back(test::hash_of("one more"));
  std::sort(view.members.begin(), view.members.end());
  desk.feed(LedgerAdvanced{view});
  REQUIRE(desk.proposes(TxType::suspend_member));
  CHECK(decode_record<SuspendMember>(desk.asked<Propose>()->body)->account == absent);
}
