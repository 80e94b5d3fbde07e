// A whole federation in one process under a seeded storm: messages are dropped, delayed, repeated
// and overtaken; workers vanish; the coordinator is killed and comes back with what it had synced.
// Whatever the storm, all rounds settle, every acknowledged update is in its round's result, and no
// money is made or lost. A failure prints its seed: GRADMINT_SIMULATION_SEED runs that one alone.
#include <doctest/doctest.h>

#include <cstdlib>
#include <functional>
#include <random>
#include <tuple>

#include "coordinator/intake/reveal_check.h"
#include "coordinator/round/round.h"
#include "ledger/kernel_spec.h"
#include "tests/ledger/world.h"

using namespace gradmint;

namespace {

constexpr int kWorkers = 4;
constexpr std::uint64_t kRounds = 5;
constexpr std::uint64_t kEnoughMs = 4 * 60 * 60 * 1000;

struct Storm {
  double drop = 0.2, repeat = 0.15, vanish = 0.15, kill = 0.02;
  std::uint64_t max_delay_ms = 400;
};

class Federation {
 public:
  Federation(std::uint64_t seed, const Storm& storm)
      : storm_(storm), random_(seed), world_(options()), machine_(policy()) {
    world_.enrol();
    for (int i = 0; i < kWorkers; ++i) back_ms_[i] = 0;
    boot();
    at(0, [this] { tick(); });
    for (int i = 0; i < kWorkers; ++i) at(0, [this, i] { worker_turn(i); });
  }

  // True when all rounds settled in time.
  bool run() {
    while (!queue_.empty() && !finished_ && now_ms_ < kEnoughMs) {
      const auto first = queue_.begin();
      now_ms_ = std::get<0>(first->first);
      const std::function<void()> action = std::move(first->second);
      queue_.erase(first);
      action();
    }
    return finished_;
  }

  const test::World& world() const { return world_; }
  int kills() const { return kills_; }
  int abandoned() const { return abandoned_; }
  // Acknowledged updates that a result of the same attempt did not accept.
  int lost() const { return lost_; }

 private:
  static test::WorldOptions options() {
    test::WorldOptions o;
    o.workers = kWorkers;
    o.min_updates = 2;
    return o;
  }
  RoundPolicy policy() const {
    RoundPolicy p;
    p.rounds = kRounds;
    p.min_workers = kWorkers;
    p.limits.min_updates = 2;
    p.aggregation = ledger_spec(*kernels::complete_spec({}));
    p.limits.train_deadline_ms = 20'000;
    p.limits.reveal_deadline_ms = 10'000;
    p.limits.stall_deadline_ms = 3'000;
    p.limits.evaluation_blocks = 2;
    p.self = world_.validator().account();
    p.evaluation_deadline_ms = 5'000;
    return p;
  }

  bool chance(double p) { return std::uniform_real_distribution<>(0, 1)(random_) < p; }
  std::uint64_t delay() { return 1 + random_() % storm_.max_delay_ms; }
  void at(std::uint64_t wait_ms, std::function<void()> action) {
    queue_.emplace(std::tuple(now_ms_ + wait_ms, sequence_++), std::move(action));
  }
  // Over the network: perhaps never, perhaps twice, in any order.
  void send(const std::function<void()>& arrival) {
    if (!chance(storm_.drop)) at(delay(), arrival);
    if (chance(storm_.repeat)) at(delay(), arrival);
  }

  // ---- the coordinator
  void boot() {
    ++life_;
    machine_ = RoundMachine(policy());
    feed(LedgerAdvanced{view_of(world_.chain)});
    const auto& round = machine_.view().round;
    for (const auto& [key, opening] : synced_) {
      const auto& [number, attempt, worker] = key;
      if (round && round->round == number && round->attempt == attempt) {
        feed(PayloadStored{worker, opening});
      }
    }
  }

  Verdict feed(decltype(RoundEvent::what) what) {
    RoundEffects effects;
    const Verdict verdict = machine_.step({now_ms_, std::move(what)}, effects);
    for (const RoundEffect& effect : effects) carry_out(effect);
    return verdict;
  }

  void carry_out(const RoundEffect& effect) {
    if (const auto* propose = std::get_if<Propose>(&effect)) {
      proposals_.emplace_back(propose->type, propose->body);
    } else if (std::holds_alternative<ProposeClose>(effect)) {
      proposals_.emplace_back(TxType::close_commits, encode_record(world_.close_body()));
    } else if (std::holds_alternative<ProposeEmptyBlock>(effect)) {
      empty_block_ = true;
    } else if (const auto* execute = std::get_if<Execute>(&effect)) {
      at(delay(), [this, execute = *execute, life = life_] { executed(execute, life); });
    } else if (const auto* evaluate = std::get_if<Evaluate>(&effect)) {
      at(delay(), [this, round = evaluate->round, life = life_] {
        if (life != life_) return;
        EvaluationDone done;
        done.round = round;
        done.figures = world_.evaluation_body(world_.validator());
        feed(done);
      });
    } else if (std::holds_alternative<Finished>(effect)) {
      finished_ = true;
    }
  }

  void executed(const Execute& execute, int life) {
    if (life != life_) return;
    world_.silent.clear();
    for (int i = 0; i < kWorkers; ++i) {
      if (execute.openings.count(account(i)) == 0) world_.silent.insert(i);
    }
    ExecutionDone done;
    done.round = execute.round;
    done.attempt = execute.attempt;
    done.result = world_.result_body();
    feed(done);
  }

  void order() {
    while (!proposals_.empty() || !arrived_.empty() || empty_block_) {
      const auto proposals = std::exchange(proposals_, {});
      const auto arrived = std::exchange(arrived_, {});
      empty_block_ = false;
      std::vector<SignedTransaction> block;
      bool result = false;
      for (const auto& [type, body] : proposals) {
        if (type == TxType::round_result) {
          REQUIRE(body == encode_record(world_.result_body()));
          note_result();
          world_.result();  // the same statement, and the world keeps the new model
          result = true;
          continue;
        }
        if (type == TxType::abandon_round) ++abandoned_;
        block.push_back(
            sign_transaction(world_.draft(world_.validator(), type, body), world_.validator()));
      }
      const std::size_t own = block.size();
      block.insert(block.end(), arrived.begin(), arrived.end());
      if (!block.empty() || !result) {
        const auto verdicts = world_.play(block);
        for (std::size_t i = 0; i < own; ++i) REQUIRE(verdicts[i] == Verdict::ok);
      }
      renew_payloads();
      feed(LedgerAdvanced{view_of(world_.chain)});
    }
  }

  // No two updates of a run are the same: a root seen before would be refused, and rightly.
  void renew_payloads() {
    const std::uint64_t round = job_of(world_.chain.state()).round;
    for (int i = 0; i < kWorkers; ++i) {
      std::vector<float> values(world_.genesis.task.size.values());
      for (std::size_t k = 0; k < values.size(); ++k) {
        values[k] =
            static_cast<float>(k + 1) + static_cast<float>(i) / 8 + static_cast<float>(round) / 64;
      }
      world_.own_payloads[i] = values;
    }
  }

  void note_result() {
    const RoundResult result = world_.result_body();
    for (const ResultEntry& entry : result.entries) {
      const auto key = std::tuple(result.round, result.attempt, entry.worker);
      if (synced_.count(key) != 0 && entry.verdict != Verdict::ok) ++lost_;
    }
  }

  void tick() {
    if (chance(storm_.kill)) {
      ++kills_;
      proposals_.clear();
      arrived_.clear();
      empty_block_ = false;
      boot();
    }
    feed(Tick{});
    order();
    at(50, [this] { tick(); });
  }

  // ---- a worker: looks at what it is asked, and does it; forgets everything when it vanishes
  AccountId account(int i) const { return world_.workers[static_cast<std::size_t>(i)].account(); }

  void worker_turn(int i) {
    at(300, [this, i] { worker_turn(i); });
    if (now_ms_ < back_ms_[i]) return;
    if (chance(storm_.vanish)) {
      back_ms_[i] = now_ms_ + random_() % 8'000;
      return;
    }
    send([this, i] { feed(WorkerHeard{account(i)}); });
    const RoundView view = view_of(world_.chain);
    if (!view.round) return;
    if (view.round->phase == RoundPhase::training) {
      if (view.round->open_height > world_.chain.height()) return;
      const SignedTransaction commit =
          world_.say(world_.workers[static_cast<std::size_t>(i)], world_.commit_body(i));
      send([this, commit] { arrived_.push_back(commit); });
    } else if (view.round->phase == RoundPhase::revealing) {
      Reveal reveal;
      reveal.worker = account(i);
      reveal.round = view.round->round;
      reveal.attempt = view.round->attempt;
      reveal.opening = world_.opening_of(i);
      send([this, reveal] { revealed(reveal); });
    }
  }

  void revealed(const Reveal& reveal) {
    feed(WorkerHeard{reveal.worker});
    const RoundView& view = machine_.view();
    if (!view.round || machine_.station() == Station::aggregating) return;
    const Hash open_block = world_.chain.history()[view.round->open_height];
    if (check_reveal(view, world_.chain.state(), open_block, world_.genesis.task.size, {},
                     reveal) != Verdict::ok) {
      return;
    }
    synced_[std::tuple(reveal.round, reveal.attempt, reveal.worker)] = reveal.opening;
    feed(PayloadStored{reveal.worker, reveal.opening});
    order();
  }

  Storm storm_;
  std::mt19937_64 random_;
  test::World world_;
  RoundMachine machine_;
  std::uint64_t now_ms_ = 0, sequence_ = 0;
  std::map<std::tuple<std::uint64_t, std::uint64_t>, std::function<void()>> queue_;
  std::vector<std::pair<TxType, Bytes>> proposals_;
  std::vector<SignedTransaction> arrived_;
  std::map<std::tuple<std::uint64_t, std::uint32_t, AccountId>, Opening> synced_;
  std::map<int, std::uint64_t> back_ms_;
  bool empty_block_ = false, finished_ = false;
  int life_ = 0, kills_ = 0, abandoned_ = 0, lost_ = 0;
};

struct Damage {
  int kills = 0, abandoned = 0;
};

Damage weather(std::uint64_t seed, const Storm& storm) {
  INFO("seed " << seed << ": run it alone with GRADMINT_SIMULATION_SEED=" << seed);
  Federation federation(seed, storm);
  CHECK(federation.run());
  CHECK(federation.lost() == 0);
  CHECK(job_of(federation.world().chain.state()).round == kRounds);
  CHECK(conservation_holds(federation.world().chain.state(), federation.world().genesis));
  return {federation.kills(), federation.abandoned()};
}

}  // namespace

TEST_CASE("in calm weather no round is abandoned") {
  Federation federation(1, Storm{0, 0, 0, 0, 5});
  CHECK(federation.run());
  CHECK(federation.abandoned() == 0);
  CHECK(federation.lost() == 0);
}

TEST_CASE("whatever the storm, all rounds settle and nothing acknowledged is lost") {
  if (const char* one = std::getenv("GRADMINT_SIMULATION_SEED")) {
    weather(std::strtoull(one, nullptr, 10), Storm{});
    return;
  }
  Damage all;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const Damage damage = weather(seed, Storm{});
    all.kills += damage.kills;
    all.abandoned += damage.abandoned;
  }
  // It was a storm.
  CHECK(all.kills > 60);
  CHECK(all.abandoned > 0);
}

TEST_CASE("a coordinator that is killed all the time still gets there") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CHECK(weather(seed, Storm{0.1, 0.1, 0.005, 0.2, 200}).kills > 10);
  }
}
