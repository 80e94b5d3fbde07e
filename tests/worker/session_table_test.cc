// What a session answers to what it is told, in each stage: (stage, event) -> effects.
#include <doctest/doctest.h>

#include "ledger/hash.h"
#include "tests/worker/session_stage.h"

namespace gradmint::test {
namespace {

using namespace gradmint::session;

struct Row {
  std::string what;
  Stage stage;
  std::function<Event(Federation&)> event;
  std::string effects;
};

std::function<Event(Federation&)> refusal(RefusalCode code) {
  return [code](Federation& f) { return arrives(f, refuse(code, "because")); };
}
const Row kRows[] = {
    {"another chain", Stage::knocking,
     [](Federation& f) {
       return arrives(f, Welcome{hash_of("x"), 0, {}, "", "", false});
     },
     "Stop2"},
    {"another version", Stage::knocking, refusal(RefusalCode::wrong_version), "Stop1"},
    {"unknown chain", Stage::knocking, refusal(RefusalCode::unknown_chain), "Stop2"},
    {"invitation", Stage::knocking, refusal(RefusalCode::bad_invitation), "Stop2"},
    {"what only a worker says", Stage::knocking,
     [](Federation& f) { return arrives(f, GetRound{}); }, ""},
    {"a question answered before it was asked", Stage::knocking,
     [](Federation& f) { return arrives(f, Headers{}); }, ""},
    {"an end is asked for", Stage::knocking, [](Federation&) { return StopRequested{}; }, "Stop0"},
    {"from an older link", Stage::knocking,
     [](Federation& f) {
       return Arrived{f.workers[0].link - 1, 0, refuse(RefusalCode::wrong_version, ""), {}};
     },
     ""},

    {"time", Stage::training, [](Federation&) { return Tick{}; }, ""},
    {"the same state again", Stage::training, [](Federation& f) { return arrives(f, state_of(f)); },
     ""},
    {"an older state", Stage::training,
     [](Federation& f) {
       RoundState s = state_of(f);
       s.tip_height = 0;
       s.tip_hash = f.coordinator.world.chain.history()[0];
       s.commit_asked = false;
       return arrives(f, s);
     },
     ""},
    {"a record that cannot be read", Stage::training,
     [](Federation& f) {
       RoundState s = state_of(f);
       s.open_round.pop_back();
       return arrives(f, s);
     },
     ""},
    {"no longer asked", Stage::training,
     [](Federation& f) {
       RoundState s = state_of(f);
       s.commit_asked = false;
       return arrives(f, s);
     },
     "CancelTraining"},
    {"connection lost", Stage::training,
     [](Federation& f) {
       return LinkDown{f.workers[0].link, false, ""};
     },
     "Warn"},
    {"progress", Stage::training,
     [](Federation&) {
       return TrainingProgressed{{1, 0}, 500'000, "half"};
     },
     "Show Progress"},
    {"progress of another attempt", Stage::training,
     [](Federation&) {
       return TrainingProgressed{{1, 1}, 500'000, "half"};
     },
     ""},
    {"training failed", Stage::training,
     [](Federation&) {
       return TrainingEnded{{1, 0}, std::nullopt, "no memory"};
     },
     "Warn GiveUp"},
    {"trained: remembered before it is said", Stage::training,
     [](Federation&) {
       return TrainingEnded{{1, 0}, TrainedUpdate{hash_of("u"), 32, 0, 5, 5, {}}, ""};
     },
     "Say SaveUpdate SubmitTransaction"},
    {"trained for another attempt", Stage::training,
     [](Federation&) {
       return TrainingEnded{{1, 1}, TrainedUpdate{hash_of("u"), 32, 0, 5, 5, {}}, ""};
     },
     ""},
    {"a block it does not have", Stage::training,
     [](Federation& f) {
       RoundState s = state_of(f);
       s.tip_height += 1;
       s.tip_hash = hash_of("new");
       return arrives(f, s);
     },
     "GetHeaders"},
    {"another block at a known height", Stage::training,
     [](Federation& f) {
       RoundState s = state_of(f);
       s.tip_hash = hash_of("forged");
       return arrives(f, s);
     },
     "GetHeaders"},
    {"paused", Stage::training,
     [](Federation& f) {
       return arrives(f, Notice{NoticeKind::paused, 1, ""});
     },
     "Say"},
    {"outcome", Stage::training,
     [](Federation& f) {
       return arrives(f, Notice{NoticeKind::outcome, 1, "accepted"});
     },
     "Say GetAccount"},
    {"finished", Stage::training,
     [](Federation& f) {
       return arrives(f, Notice{NoticeKind::finished, 1, ""});
     },
     "GetAccount"},
    {"the model does not fit", Stage::training,
     [](Federation&) {
       return ModelChecked{"why", {}};
     },
     "Stop2"},
    {"an end is asked for in training", Stage::training,
     [](Federation&) { return StopRequested{}; }, "CancelTraining Stop0"},
    {"too many requests", Stage::training, refusal(RefusalCode::rate_limited), ""},

    {"asked to reveal", Stage::revealing, [](Federation& f) { return arrives(f, state_of(f)); },
     "GetHeaders RevealUpdate"},
    {"a forged receipt", Stage::revealing,
     [](Federation& f) {
       const Hash root = f.workers[0].disk.memory.updates[0].opening.root;
       return arrives(f, Receipt{root, Bytes(kReceiptBytes, 1)});
     },
     ""},
    {"acceptance of what was not revealed", Stage::revealing,
     [](Federation& f) {
       return arrives(f, RevealAccepted{hash_of("x"), 0, 4});
     },
     ""},

    {"asked to attest", Stage::evaluating, [](Federation& f) { return arrives(f, state_of(f)); },
     "GetHeaders LookForBlob"},
    {"figures nobody asked for", Stage::evaluating,
     [](Federation&) {
       return EvaluationEnded{hash_of("x"), true, {{"loss", 1}}, 1, ""};
     },
     ""},
};

TEST_CASE("what a session does, stage by stage") {
  for (const Row& row : kRows) {
    CAPTURE(row.what);
    Federation federation = at(row.stage);
    const Event event = row.event(federation);
    CHECK(names_of(federation.inject(0, event)) == row.effects);
  }
  MESSAGE(std::size(kRows) << " rows");
}

TEST_CASE("what comes doubled changes nothing") {
  for (const Row& row : kRows) {
    CAPTURE(row.what);
    Federation federation = at(row.stage);
    const Event event = row.event(federation);
    federation.inject(0, event);
    for (const Effect& effect : federation.inject(0, event)) {
      // Display, and answers to what a coordinator says again, may repeat; no statement does.
      CHECK_FALSE(std::holds_alternative<SaveUpdate>(effect));
      CHECK_FALSE(std::holds_alternative<StartTraining>(effect));
      if (const auto* send = std::get_if<Send>(&effect)) {
        CHECK_FALSE(std::holds_alternative<SubmitTransaction>(send->message));
      }
    }
  }
}

TEST_CASE("what becomes of a registration") {
  struct Case {
    Verdict verdict;
    std::string effects;
    std::string remedy = {};
  };
  const Case cases[] = {
      {Verdict::ok, "Say"},
      {Verdict::already_registered, ""},
      {Verdict::not_invited, "Stop2", "join with the home of one of them"},
      {Verdict::invitation_used, "Stop2", "ask the coordinator's operator for another"},
      {Verdict::curve_key_taken, "Stop2", "a home of its own"},
      {Verdict::wrong_key, "Stop2", "show this line"},
  };
  for (const Case& c : cases) {
    CAPTURE(verdict_name(c.verdict));
    Federation f(5, {.workers = 1}, {});
    while (!reached(f, Stage::knocking)) f.step();
    const World& world = f.coordinator.world;
    const AccountId account = f.workers[0].key.account();
    f.inject(0,
             arrives(f, Welcome{world.chain.chain_id(), 0, world.chain.tip_hash(), "", "", false}));
    f.inject(0, Arrived{f.workers[0].link, 0, Genesis{world.chain.chain_id()},
                        Payload::of(encode_record(world.genesis))});
    // Nothing is registered, and no invitation used up, before the task is known to fit.
    REQUIRE(names_of(f.inject(0, arrives(f, AccountState{account, 0, 0, 0, false, false}))) ==
            "CheckTask");
    const Effects asked = f.inject(0, TaskChecked{""});
    REQUIRE(names_of(asked) == "Register");
    const auto& message = std::get<Register>(std::get<Send>(asked[0]).message);
    SignedTransaction tx;
    REQUIRE(decode_transaction(message.transaction, tx) == Verdict::ok);
    const auto body = decode_record<RegisterWorker>(tx.transaction.body);
    REQUIRE(body.has_value());
    CHECK(body->invitation_hash == sha256(message.code));
    const TransactionResult result{tx.id, static_cast<std::uint16_t>(c.verdict), 0, ""};
    const Effects effects = f.inject(0, arrives(f, result));
    CHECK(names_of(effects) == c.effects);
    const auto* stop = effects.empty() ? nullptr : std::get_if<Stop>(&effects.back());
    if (stop != nullptr) {  // what, and what to do about it
      CHECK(stop->text.find(verdict_name(c.verdict)) != std::string::npos);
      CHECK(stop->text.find(c.remedy) != std::string::npos);
    }
  }
}

TEST_CASE("a worker whose model does not fit the task does not register") {
  Federation f(5, {.workers = 1}, {});
  f.task_fault = "give --model mlp";
  while (!f.workers[0].stop) f.step();
  CHECK(f.workers[0].stop->exit_code == kExitBadInput);
  CHECK(f.workers[0].stop->text == f.task_fault);
  CHECK_FALSE(get<AccountRecord>(f.coordinator.world.chain.state(),
                                 state_key::account(f.workers[0].key.account())));
}

TEST_CASE("nothing is committed twice, whatever opens the same attempt again") {
  Federation f = at(Stage::training);
  const Effects first =
      f.inject(0, TrainingEnded{{1, 0}, TrainedUpdate{hash_of("u"), 32, 0, 5, 5, {}}, ""});
  REQUIRE(names_of(first) == "Say SaveUpdate SubmitTransaction");
  RoundState other = state_of(f);
  other.open_block_hash = f.coordinator.world.chain.history()[1];
  CHECK(names_of(f.inject(0, arrives(f, other))) == "Warn GiveUp");  // nobody waits for it
}

TEST_CASE("an unreachable coordinator is told of in growing intervals") {
  Federation f(5, {.workers = 1}, {});
  while (!f.workers[0].session) f.step();
  std::vector<std::uint64_t> told;
  const std::uint64_t begin = f.now_ms;
  for (; f.now_ms < begin + 400'000; f.now_ms += 100) {
    for (const Effect& e : f.inject(0, Tick{})) {
      const auto* said = std::get_if<Say>(&e);
      if (said == nullptr) continue;
      told.push_back(f.now_ms);
      CHECK(said->text.find("join --coordinator tcp://HOST:PORT") != std::string::npos);
    }
  }
  REQUIRE(told.size() >= 6);
  CHECK(told.size() <= 12);
  for (std::size_t i = 2; i < told.size(); ++i) {
    CHECK(told[i] - told[i - 1] > told[i - 1] - told[i - 2]);
  }
}

TEST_CASE("a home that is damaged is not followed") {
  Federation f = at(Stage::training);
  Memory memory = f.workers[0].disk.memory;
  Config config{f.workers[0].key, {}, {}, f.coordinator.world.chain.chain_id(),
                "tcp://c:1",      {}, "", ""};
  CHECK(Session::resume(config, memory).ok());
  Memory gap = memory;
  gap.headers.erase(gap.headers.begin());
  CHECK_FALSE(Session::resume(config, gap).ok());
  CHECK(Session::resume(config, gap).error().message.find("headers.log") != std::string::npos);
  Memory genesis = memory;
  genesis.genesis.pop_back();
  CHECK(Session::resume(config, genesis).error().code == ErrorCode::corrupt);
  Config elsewhere = config;
  elsewhere.chain_id = hash_of("another chain");
  CHECK(Session::resume(elsewhere, memory).error().code == ErrorCode::corrupt);

  // A statement that lost a bit, or that another worker made, is not gone back on.
  UpdateMemory update;
  update.key = {1, 0};
  update.opening = {hash_of("root"), 8, Encoding::fp32, hash_of("salt")};
  update.body.commitment =
      update_commitment(update.open_block, config.key.account(), update.opening);
  Memory statement = memory;
  statement.updates = {update};
  CHECK(Session::resume(config, statement).ok());
  statement.updates[0].opening.salt.bytes[5] ^= 4;
  CHECK(Session::resume(config, statement).error().code == ErrorCode::corrupt);
}

}  // namespace
}  // namespace gradmint::test
