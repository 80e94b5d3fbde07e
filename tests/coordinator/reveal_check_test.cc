// Intake's order of checks, one row each, the expected verdict last.
#include "coordinator/intake/reveal_check.h"

#include <doctest/doctest.h>

#include <functional>

#include "tests/ledger/world.h"

using namespace gradmint;

namespace {

struct Scene {
  test::World world{[] {
    test::WorldOptions o;
    o.workers = 4;
    return o;
  }()};
  Reveal reveal;
  std::map<AccountId, Opening> others;

  void honest(int worker) {
    reveal.worker = world.workers[static_cast<std::size_t>(worker)].account();
    reveal.round = world.round().round;
    reveal.attempt = world.round().attempt;
    reveal.opening = world.opening_of(worker);
  }
  Verdict ask() {
    const RoundView view = view_of(world.chain);
    const Hash open_block = view.round ? world.chain.history()[view.round->open_height] : Hash{};
    return check_reveal(view, world.chain.state(), open_block, world.genesis.task.size, others,
                        reveal);
  }
};

struct Row {
  const char* what;
  std::function<void(Scene&)> play;
  Verdict expected;
};

void to_revealing(Scene& s) {
  s.world.enrol();
  s.world.open();
  s.world.commit();
  s.world.close();
  s.honest(0);
}

const Row kRows[] = {
    {"an honest reveal", to_revealing, Verdict::ok},
    {"no round at all", [](Scene& s) { s.world.enrol(); }, Verdict::wrong_round},
    {"another round",
     [](Scene& s) {
       to_revealing(s);
       s.reveal.round = 9;
     },
     Verdict::wrong_round},
    {"another attempt",
     [](Scene& s) {
       to_revealing(s);
       s.reveal.attempt = 1;
     },
     Verdict::wrong_attempt},
    {"commitments are still open",
     [](Scene& s) {
       s.world.enrol();
       s.world.open();
       s.world.commit();
       s.honest(0);
     },
     Verdict::wrong_phase},
    {"the result stands already",
     [](Scene& s) {
       to_revealing(s);
       s.world.result();
     },
     Verdict::late},
    {"no commitment was made",
     [](Scene& s) {
       s.world.enrol();
       s.world.open();
       s.world.commit({1, 2, 3});
       s.world.close();
       s.honest(0);
     },
     Verdict::unknown_worker},
    {"a stranger",
     [](Scene& s) {
       to_revealing(s);
       s.reveal.worker = test::hash_of("stranger");
     },
     Verdict::unknown_worker},
    {"excluded at the close",
     [](Scene& s) {
       s.world.own_exponents[0] = 100;
       to_revealing(s);
     },
     Verdict::out_of_range},
    {"an encoding this release does not know",
     [](Scene& s) {
       to_revealing(s);
       s.reveal.encoding = 9;
     },
     Verdict::unsupported_encoding},
    {"another encoding than committed to",
     [](Scene& s) {
       to_revealing(s);
       s.reveal.opening.encoding = Encoding::int8;
       s.reveal.encoding = 3;
     },
     Verdict::commitment_mismatch},
    {"another encoding than the round's",
     [](Scene& s) {
       s.world.own_encodings[0] = {Encoding::int8, 0};
       to_revealing(s);
       s.reveal.encoding = 3;
     },
     Verdict::wrong_encoding},
    {"another root than committed to",
     [](Scene& s) {
       to_revealing(s);
       s.reveal.opening.root = test::hash_of("else");
     },
     Verdict::commitment_mismatch},
    {"another salt",
     [](Scene& s) {
       to_revealing(s);
       s.reveal.opening.salt = Hash{};
     },
     Verdict::commitment_mismatch},
    {"another's opening",
     [](Scene& s) {
       to_revealing(s);
       s.reveal.opening = s.world.opening_of(1);
     },
     Verdict::commitment_mismatch},
    {"a size that no model here has",
     [](Scene& s) {
       s.world.own_payloads[0] = {1.0F, 2.0F};
       to_revealing(s);
     },
     Verdict::wrong_size},
    {"what another committed to first",
     [](Scene& s) {
       s.world.own_payloads[1] = s.world.own_payloads[0] = std::vector<float>(8, 0.5F);
       s.world.enrol();
       s.world.open();
       s.world.commit({1, 0, 2, 3});
       s.world.close();
       s.honest(0);
       s.others = {{s.world.workers[1].account(), s.world.opening_of(1)}};
     },
     Verdict::root_seen_before},
    {"an update of an earlier round",
     [](Scene& s) {
       s.world.own_payloads[0] = std::vector<float>(8, 0.5F);
       s.world.enrol();
       s.world.run_round();
       s.world.open();
       s.world.commit();
       s.world.close();
       s.honest(0);
     },
     Verdict::root_seen_before},
};

}  // namespace

TEST_CASE("each reveal gets the verdict of the first rule it breaks") {
  for (const Row& row : kRows) {
    CAPTURE(row.what);
    Scene scene;
    row.play(scene);
    CHECK(verdict_name(scene.ask()) == verdict_name(row.expected));
  }
}

TEST_CASE("refusals that end a reveal for good are facts about what was committed") {
  CHECK(is_final_refusal(Verdict::wrong_encoding));
  CHECK(is_final_refusal(Verdict::wrong_size));
  CHECK(is_final_refusal(Verdict::root_seen_before));
  CHECK(!is_final_refusal(Verdict::commitment_mismatch));
  CHECK(!is_final_refusal(Verdict::late));
}
