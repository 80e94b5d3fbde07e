// The round's state machine, one step at a time, over a real chain.
#include <doctest/doctest.h>

#include "tests/coordinator/round_desk.h"

using namespace gradmint;
using test::Desk;

TEST_CASE("a round opens when enough workers are there, and not before") {
  Desk desk;
  desk.world.enrol();
  desk.ledger();
  CHECK(desk.machine.station() == Station::waiting);
  desk.feed(WorkerHeard{desk.worker(0)});
  desk.feed(WorkerHeard{desk.worker(1)});
  CHECK(!desk.proposes(TxType::open_round));
  desk.feed(WorkerHeard{desk.worker(2)});
  CHECK(desk.proposes(TxType::open_round));
  desk.feed(Tick{});
  CHECK(desk.said.empty());  // once is enough
}

TEST_CASE("a worker that fell silent does not count as there") {
  Desk desk;
  desk.world.enrol();
  desk.ledger();
  desk.feed(WorkerHeard{desk.worker(0)});
  desk.now_ms += 15'500;
  desk.feed(WorkerHeard{desk.worker(1)});
  desk.feed(WorkerHeard{desk.worker(2)});
  CHECK(!desk.proposes(TxType::open_round));
}

TEST_CASE("pausing stops the next round, not the one under way") {
  Desk desk;
  desk.opened();
  CHECK(desk.feed(PauseRequested{}) == Verdict::ok);
  CHECK(desk.feed(PauseRequested{}) == Verdict::duplicate);
  desk.world.commit();
  desk.ledger();
  CHECK(desk.asked<ProposeClose>() != nullptr);
  CHECK(desk.feed(ResumeRequested{}) == Verdict::ok);
  CHECK(desk.feed(ResumeRequested{}) == Verdict::duplicate);
}

TEST_CASE("commitments close when all have committed, or when waiting is over") {
  struct Case {
    const char* what;
    std::vector<int> commits;
    std::uint64_t wait_ms;
    std::vector<int> heard_again;
    bool closes, abandons;
    std::vector<int> given_up = {};
  };
  const Case cases[] = {
      {"all committed", {0, 1, 2}, 0, {}, true, false},
      {"one is still at work", {0, 1}, 1'000, {2}, false, false},
      {"one fell silent", {0, 1}, 2'500, {0, 1}, true, false},
      {"one is slow: three times what half of them took, and the stall limit",
       {0, 1},
       4'000,
       {0, 1, 2},
       true,
       false},
      {"the deadline passed with enough", {0, 1}, 10'000, {0, 1, 2}, true, false},
      {"the deadline passed with too few", {0}, 10'000, {0, 1, 2}, false, true},
      {"nobody, and time remains", {}, 1'000, {0, 1, 2}, false, false},
      {"one has no update, the others have committed", {0, 1}, 0, {}, true, false, {2}},
      {"one has no update, one is still at work", {0}, 1'000, {1}, false, false, {2}},
      {"one has no update: the others' time is not measured by it",
       {},
       4'000,
       {0, 1},
       false,
       false,
       {2}},
      {"two have no update: too few are left", {0}, 0, {}, false, true, {1, 2}},
      {"none has an update", {}, 0, {}, false, true, {0, 1, 2}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    Desk desk;
    desk.opened();
    if (!c.commits.empty()) desk.world.commit(c.commits);
    desk.ledger();
    for (const int i : c.given_up) {
      CHECK(desk.feed(TrainingGivenUp{desk.worker(i), 2}) == Verdict::wrong_round);
      CHECK(desk.feed(TrainingGivenUp{desk.worker(i), 1}) == Verdict::ok);
    }
    if (c.wait_ms != 0) {
      desk.now_ms += c.wait_ms;
      for (const int i : c.heard_again) desk.feed(WorkerHeard{desk.worker(i)});
      desk.feed(Tick{});
    }
    CHECK((desk.asked<ProposeClose>() != nullptr) == c.closes);
    CHECK(desk.proposes(TxType::abandon_round) == c.abandons);
  }
}

TEST_CASE("payloads: each once, and only while they are asked for") {
  Desk desk;
  desk.opened();
  CHECK(desk.feed(PayloadStored{desk.worker(0), desk.world.opening_of(0)}) == Verdict::wrong_phase);
  desk.world.commit();
  desk.ledger();
  desk.world.close();
  desk.ledger();
  CHECK(desk.machine.station() == Station::revealing);
  CHECK(desk.feed(PayloadStored{desk.worker(0), desk.world.opening_of(0)}) == Verdict::ok);
  CHECK(desk.feed(PayloadStored{desk.worker(0), desk.world.opening_of(0)}) == Verdict::duplicate);
  CHECK(desk.feed(PayloadStored{desk.worker(1), desk.world.opening_of(1)}) == Verdict::ok);
  CHECK(desk.asked<Execute>() == nullptr);
  CHECK(desk.feed(PayloadStored{desk.worker(2), desk.world.opening_of(2)}) == Verdict::ok);
  REQUIRE(desk.asked<Execute>() != nullptr);
  CHECK(desk.asked<Execute>()->openings.size() == 3);
  CHECK(desk.machine.station() == Station::aggregating);
  CHECK(desk.feed(PayloadStored{desk.worker(0), desk.world.opening_of(0)}) == Verdict::late);
}

TEST_CASE("too few payloads by the deadline: the attempt is abandoned with what was revealed") {
  Desk desk;
  desk.closed();
  desk.feed(PayloadStored{desk.worker(1), desk.world.opening_of(1)});
  desk.now_ms += 10'000;
  desk.feed(Tick{});
  REQUIRE(desk.proposes(TxType::abandon_round));
  const auto body = decode_record<AbandonRound>(desk.asked<Propose>()->body);
  REQUIRE(body.has_value());
  CHECK(body->reason == Verdict::too_few_updates);
  REQUIRE(body->revealed.size() == 1);
  CHECK(body->revealed[0].worker == desk.worker(1));
}

TEST_CASE("after an abandoned attempt the next one opens, a moment later") {
  Desk desk;
  desk.opened();
  desk.world.must(desk.world.validator(), desk.world.abandon_body());
  desk.ledger();
  CHECK(desk.machine.station() == Station::waiting);
  CHECK(desk.said.size() == 1);  // the announcement
  desk.now_ms += 1'500;
  desk.hear_all();
  REQUIRE(desk.proposes(TxType::open_round) ==
          false);  // proposed at the first sign of life that sufficed
  const OpenRound open = next_open_round(desk.machine.policy(), desk.machine.view());
  CHECK(open.round == 1);
  CHECK(open.attempt == 1);
}

TEST_CASE("a result is proposed for the attempt it was made for, and no other") {
  Desk desk;
  desk.closed();
  for (int i = 0; i < 3; ++i) desk.feed(PayloadStored{desk.worker(i), desk.world.opening_of(i)});
  ExecutionDone done;
  done.round = 1;
  done.attempt = 7;
  CHECK(desk.feed(done) == Verdict::wrong_round);
  done.attempt = 0;
  done.result = desk.world.result_body();
  CHECK(desk.feed(done) == Verdict::ok);
  CHECK(desk.proposes(TxType::round_result));
}

TEST_CASE("an aggregation that cannot succeed halts, and tries again after resume") {
  Desk desk;
  desk.closed();
  for (int i = 0; i < 3; ++i) desk.feed(PayloadStored{desk.worker(i), desk.world.opening_of(i)});
  ExecutionDone done;
  done.round = 1;
  done.error = "needs more than 2f updates";
  CHECK(desk.feed(done) == Verdict::ok);
  REQUIRE(desk.asked<Halt>() != nullptr);
  CHECK(desk.asked<Halt>()->reason == "needs more than 2f updates");
  CHECK(desk.machine.paused());
  desk.feed(ResumeRequested{});
  CHECK(desk.asked<Execute>() != nullptr);
}

TEST_CASE("an aggregation under way is not begun again by a pause and a resume") {
  Desk desk;
  desk.closed();
  for (int i = 0; i < 3; ++i) desk.feed(PayloadStored{desk.worker(i), desk.world.opening_of(i)});
  REQUIRE(desk.machine.station() == Station::aggregating);
  desk.feed(PauseRequested{});
  desk.feed(ResumeRequested{});
  CHECK(desk.asked<Execute>() == nullptr);
  CHECK(desk.machine.station() == Station::aggregating);
}

TEST_CASE("updates without an aggregate end the attempt by name; five in a row pause") {
  Desk desk;
  desk.opened();
  for (std::uint32_t attempt = 0; attempt < 5; ++attempt) {
    CAPTURE(attempt);
    desk.world.commit();
    desk.ledger();
    desk.world.close();
    desk.ledger();
    for (int i = 0; i < 3; ++i) desk.feed(PayloadStored{desk.worker(i), desk.world.opening_of(i)});
    ExecutionDone done;
    done.round = 1;
    done.attempt = attempt;
    done.failure = Verdict::aggregation_refused;
    done.error = "f = 1 needs at least 5 updates, there are 3";
    CHECK(desk.feed(done) == Verdict::ok);
    REQUIRE(desk.proposes(TxType::abandon_round));
    CHECK(desk.machine.paused() == (attempt == 4));
    if (attempt == 4) CHECK(desk.asked<Halt>()->reason == done.error);
    const auto body = *decode_record<AbandonRound>(desk.asked<Propose>()->body);
    CHECK(body.reason == Verdict::aggregation_refused);
    CHECK(body.revealed.size() == 3);
    desk.world.must(desk.world.validator(), body);
    desk.ledger();
    CHECK(desk.machine.station() == Station::waiting);
    desk.now_ms += 10'000;
    desk.hear_all();
    if (attempt == 4) break;
    desk.world.must(desk.world.validator(),
                    next_open_round(desk.machine.policy(), desk.machine.view()));
    desk.ledger();
  }
  // Told to go on, it does.
  desk.feed(ResumeRequested{});
  CHECK(desk.proposes(TxType::open_round));
}

TEST_CASE("figures are committed, then revealed, then settled") {
  Desk desk;
  desk.closed();
  desk.world.result();
  desk.ledger();
  REQUIRE(desk.asked<Evaluate>() != nullptr);
  EvaluationDone done;
  done.round = 1;
  done.figures = desk.world.evaluation_body(desk.world.validator());
  desk.feed(done);
  REQUIRE(desk.proposes(TxType::commit_evaluation));
  desk.world.attest();  // plays both steps
  desk.ledger();
  REQUIRE(desk.proposes(TxType::settle_round));
  const auto body = decode_record<SettleRound>(desk.asked<Propose>()->body);
  REQUIRE(body.has_value());
  CHECK(encode_record(*body) == encode_record(desk.world.settle_body()));
}

TEST_CASE("without an evaluator the round settles after empty blocks, with no figures") {
  Desk desk;
  desk.closed();
  desk.world.result();
  desk.ledger();
  EvaluationDone done;
  done.round = 1;
  done.error = "the evaluator ended";
  desk.feed(done);
  int blocks = 0;
  while (!desk.proposes(TxType::settle_round) && blocks < 20) {
    if (desk.asked<ProposeEmptyBlock>() != nullptr) {
      desk.world.empty_blocks(1);
      ++blocks;
      desk.ledger();
    } else {
      desk.now_ms += 100;
      desk.feed(Tick{});
    }
  }
  CHECK(desk.proposes(TxType::settle_round));
  desk.world.must(desk.world.validator(), *decode_record<SettleRound>(desk.asked<Propose>()->body));
}

TEST_CASE("the last settled round finishes the job") {
  Desk desk;
  desk.world.enrol();
  desk.ledger();
  desk.world.run_round();
  desk.ledger();
  CHECK(desk.machine.station() == Station::waiting);
  CHECK(desk.asked<Finished>() == nullptr);
  desk.world.run_round();
  desk.ledger();
  CHECK(desk.machine.station() == Station::finished);
  CHECK(desk.asked<Finished>() != nullptr);
}

TEST_CASE("where every member says that it cannot train, five attempts in a row pause") {
  struct Case {
    const char* what;
    bool one_is_silent, one_gives_no_word, pauses;
  };
  for (const Case& c : {Case{"all say why", false, false, true},
                        Case{"one says nothing at all", true, false, false},
                        Case{"one is given up without a word", false, true, false}}) {
    CAPTURE(c.what);
    Desk desk;
    desk.opened();
    for (std::uint32_t attempt = 0; attempt < 5; ++attempt) {
      CAPTURE(attempt);
      for (int i = 0; i < 3; ++i) {
        if (i == 2 && c.one_is_silent) continue;
        desk.feed(TrainingGivenUp{desk.worker(i), 1, i == 2 && c.one_gives_no_word ? "" : "NaN"});
      }
      if (c.one_is_silent) {
        desk.now_ms += 20'000;
        desk.feed(Tick{});
      }
      REQUIRE(desk.proposes(TxType::abandon_round));
      CHECK(desk.machine.paused() == (c.pauses && attempt == 4));
      const auto body = *decode_record<AbandonRound>(desk.asked<Propose>()->body);
      if (c.pauses && attempt == 4) {
        REQUIRE(desk.asked<Halt>() != nullptr);
        CHECK(desk.asked<Halt>()->reason ==
              "all 3 members of round 1 gave up training, 5 attempts in a row; one says: NaN");
      }
      desk.world.must(desk.world.validator(), body);
      desk.ledger();
      desk.now_ms += 10'000;
      desk.hear_all();
      if (attempt == 4) break;
      desk.world.must(desk.world.validator(),
                      next_open_round(desk.machine.policy(), desk.machine.view()));
      desk.ledger();
    }
  }
}
