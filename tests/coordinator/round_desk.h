// A round's machine beside a real chain.
#pragma once

#include "coordinator/round/round.h"
#include "ledger/kernel_spec.h"
#include "tests/ledger/world.h"

namespace gradmint::test {

// A machine beside a world: `said` is what its last event asked for.
struct Desk {
  World world{[] {
    WorldOptions o;
    o.workers = 3;
    o.min_updates = 2;
    return o;
  }()};
  RoundMachine machine{policy()};
  std::uint64_t now_ms = 1000;
  RoundEffects said;

  RoundPolicy policy() {
    RoundPolicy p;
    p.rounds = 2;
    p.min_workers = 3;
    p.limits.min_updates = 2;
    p.aggregation = ledger_spec(*kernels::complete_spec({}));
    p.limits.train_deadline_ms = 10'000;
    p.limits.reveal_deadline_ms = 10'000;
    p.limits.stall_deadline_ms = 2'000;
    p.limits.evaluation_blocks = 2;
    p.self = world.validator().account();
    return p;
  }
  Verdict feed(decltype(RoundEvent::what) what) {
    said.clear();
    return machine.step({now_ms, std::move(what)}, said);
  }
  void ledger() { feed(LedgerAdvanced{view_of(world.chain)}); }
  AccountId worker(int i) { return world.workers[static_cast<std::size_t>(i)].account(); }
  void hear_all() {
    for (int i = 0; i < 3; ++i) feed(WorkerHeard{worker(i)});
  }
  template <class Effect>
  const Effect* asked() const {
    for (const RoundEffect& effect : said) {
      if (const auto* e = std::get_if<Effect>(&effect)) return e;
    }
    return nullptr;
  }
  bool proposes(TxType type) const {
    const auto* p = asked<Propose>();
    return p != nullptr && p->type == type;
  }
  void opened() {
    world.enrol();
    ledger();
    hear_all();
    world.must(world.validator(), *decode_record<OpenRound>(asked<Propose>()->body));
    ledger();
  }
  void closed() {
    opened();
    world.commit();
    ledger();
    world.close();
    ledger();
  }
};

}  // namespace gradmint::test
