// Before the first round of a chain whose scaler comes from its sites.
#include <doctest/doctest.h>

#include "tests/coordinator/round_desk.h"
#include "tests/ledger/scaler_world.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

struct ScalerDesk : Desk {
  ScalerDesk() {
    WorldOptions o;
    o.workers = 3;
    o.min_updates = 2;
    world = World(world_with_sites(o));
    machine = RoundMachine(policy());
    world.enrol();
    ledger();
  }
  void state(int i) {
    world.must(world.workers[static_cast<std::size_t>(i)], sums_body(world, i));
    ledger();
  }
  void hear(const std::vector<int>& workers) {
    for (const int i : workers) feed(WorkerHeard{worker(i)});
  }
};

}  // namespace

TEST_CASE("sums: the scaler is fixed when all have stated, or when waiting is over") {
  struct Case {
    const char* what;
    std::vector<int> stated;
    std::uint64_t wait_ms;
    std::vector<int> heard_again, given_up;
    bool fixes;
  };
  const Case cases[] = {
      {"all have stated", {0, 1, 2}, 0, {}, {}, true},
      {"one is still reading its file", {0, 1}, 1'000, {2}, {}, false},
      {"one fell silent", {0, 1}, 2'500, {0, 1}, {}, true},
      {"one is slow", {0, 1}, 4'000, {0, 1, 2}, {}, true},
      {"one's statement was refused", {0, 1}, 0, {}, {2}, true},
      {"the deadline passed with enough", {0, 1}, 10'000, {0, 1, 2}, {}, true},
      {"the deadline passed with too few", {0}, 10'000, {0, 1, 2}, {}, false},
      {"nobody has stated anything", {}, 10'000, {0, 1, 2}, {}, false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    ScalerDesk desk;
    desk.hear_all();
    CHECK(desk.machine.station() == Station::summing);
    for (const int i : c.stated) desk.state(i);
    for (const int i : c.given_up) desk.feed(SumsGivenUp{desk.worker(i)});
    if (c.wait_ms > 0) {
      desk.now_ms += c.wait_ms;
      desk.hear(c.heard_again);
      desk.feed(Tick{});
    }
    const auto* fix = desk.asked<ProposeScaler>();
    CHECK((fix != nullptr) == c.fixes);
    if (fix != nullptr) CHECK(fix->least_sites == 2);
    CHECK(!desk.proposes(TxType::open_round));
  }
}

TEST_CASE("sums: too few are waited for, however long, and one more ends it") {
  ScalerDesk desk;
  desk.hear_all();
  desk.state(0);
  desk.now_ms += 60'000;
  desk.feed(Tick{});
  CHECK(desk.asked<ProposeScaler>() == nullptr);
  desk.state(2);
  CHECK(desk.asked<ProposeScaler>() != nullptr);
}

TEST_CASE("sums: nobody is waited for before enough workers are there") {
  ScalerDesk desk;
  desk.hear({0, 1});
  CHECK(desk.machine.station() == Station::waiting);
  desk.state(0);
  desk.state(1);
  CHECK(desk.machine.station() == Station::waiting);
  desk.hear({2});
  CHECK(desk.machine.station() == Station::summing);
  CHECK(desk.machine.part_of(desk.worker(0)) == RoundMachine::Part::done);
  CHECK(desk.machine.part_of(desk.worker(2)) == RoundMachine::Part::working);
}

TEST_CASE("sums: the first round opens at once when the scaler is fixed") {
  ScalerDesk desk;
  desk.hear_all();
  for (int i = 0; i < 3; ++i) desk.state(i);
  desk.feed(Tick{});
  CHECK(desk.said.empty());  // proposed once is enough
  desk.world.must(desk.world.validator(), scaler_body(desk.world, 2));
  desk.ledger();
  CHECK(desk.proposes(TxType::open_round));
  CHECK(desk.feed(SumsGivenUp{desk.worker(0)}) == Verdict::wrong_phase);
}

TEST_CASE("sums: a restarted coordinator goes on with what was stated") {
  ScalerDesk desk;
  desk.hear_all();
  for (int i = 0; i < 3; ++i) desk.state(i);
  desk.machine = RoundMachine(desk.policy());
  desk.ledger();
  CHECK(desk.machine.station() == Station::waiting);
  desk.hear_all();
  CHECK(desk.asked<ProposeScaler>() != nullptr);
}

TEST_CASE("sums: a paused coordinator fixes nothing") {
  ScalerDesk desk;
  desk.hear_all();
  desk.feed(PauseRequested{});
  for (int i = 0; i < 3; ++i) desk.state(i);
  CHECK(desk.asked<ProposeScaler>() == nullptr);
  desk.feed(ResumeRequested{});
  CHECK(desk.asked<ProposeScaler>() != nullptr);
}
