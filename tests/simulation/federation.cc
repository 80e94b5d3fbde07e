#include "tests/simulation/federation.h"

#include <algorithm>
#include <chrono>

#include "tests/simulation/oracle.h"

namespace gradmint::simulation {
namespace {

constexpr std::uint64_t kMostSteps = 20'000'000;
constexpr std::size_t kMostWaiting = 200;
constexpr std::chrono::seconds kShrinkFor{10};

class Federation {
 public:
  Federation(const Plan& plan, const std::set<FaultAt>* only)
      : plan_(plan),
        chance_(plan.seed, plan.rates, only, plan.forced),
        network_(agenda_, chance_, plan.seed),
        coordinator_(agenda_, chance_, network_, plan) {
    network_.on_told = [this](const TransactionResult& result) {
      if (result.verdict == 0) told_[result.txid] = result.height;
    };
    coordinator_.begin();
    for (std::size_t i = 0; i < plan.workers.size(); ++i) {
      workers_.push_back(std::make_unique<WorkerHost>(agenda_, chance_, network_, plan, i));
      workers_.back()->begin(coordinator_.curve().public_key, coordinator_.genesis().chain_id());
    }
    agenda_.after(plan.storm_ms, [this] { chance_.calm_down(); });
  }

  Outcome run() {
    Outcome outcome;
    const std::uint64_t began_ms = agenda_.now_ms();
    while (outcome.failure.empty() && !is_over()) {
      if (!agenda_.step()) outcome.failure = "nothing is left to happen";
      if (agenda_.now_ms() - began_ms > plan_.limit_ms || agenda_.steps() > kMostSteps)
        outcome.failure = "not over in time: " + standing();
      if (outcome.failure.empty()) outcome.failure = fault();
    }
    outcome.virtual_ms = agenda_.now_ms() - began_ms;
    outcome.coordinator_operations = coordinator_.disk().operations();
    outcome.worker_operations = workers_.front()->disk().operations();
    outcome.starts = coordinator_.starts();
    if (const Coordinator* c = coordinator_.running()) {
      outcome.height = c->orderer().chain().height();
      outcome.tip = c->orderer().chain().tip_hash();
    }
    for (const auto& worker : workers_) {
      outcome.starts += worker->starts();
      worker->end();
    }
    coordinator_.end();
    const bool calm =
        chance_.happened().empty() && !plan_.crash &&
        plan_.train_ms < plan_.settings.limits.stall_deadline_ms &&
        std::all_of(workers_.begin(), workers_.end(), [](const auto& w) { return w->is_honest(); });
    if (outcome.failure.empty()) outcome.failure = judge(coordinator_, workers_, told_, calm);
    outcome.steps = agenda_.steps();
    outcome.messages = network_.delivered();
    outcome.faults = chance_.happened();
    return outcome;
  }

 private:
  bool is_over() const {
    const Coordinator* coordinator = coordinator_.running();
    // Whoever asked for something hears of it.
    if (coordinator == nullptr || !coordinator->driver().finished() ||
        coordinator->waiting_count() != 0)
      return false;
    return std::all_of(workers_.begin(), workers_.end(),
                       [](const auto& w) { return w->finished() || !w->is_honest(); });
  }
  std::string fault() const {
    if (!coordinator_.failure().empty()) return coordinator_.failure();
    if (coordinator_.most_waiting() > kMostWaiting) return "too many wait for an answer";
    for (const auto& worker : workers_) {
      if (!worker->failure().empty() && worker->is_honest()) return worker->failure();
    }
    return "";
  }
  std::string standing() const {
    const Coordinator* c = coordinator_.running();
    if (c == nullptr) return "the coordinator is down";
    const RoundView& view = c->driver().machine().view();
    std::string text = "round " + std::to_string(view.job.round) + " settled, station " +
                       std::to_string(static_cast<int>(c->driver().machine().station()));
    for (const auto& worker : workers_) text += worker->finished() ? ", done" : ", not done";
    text += ", " + std::to_string(c->waiting_count()) + " wait for an answer";
    return text;
  }

  const Plan& plan_;
  Agenda agenda_;
  Chance chance_;
  Network network_;
  CoordinatorHost coordinator_;
  std::vector<std::unique_ptr<WorkerHost>> workers_;
  std::map<Hash, std::uint64_t> told_;  // transactions said to stand, and in which block
};

}  // namespace

Outcome run(const Plan& plan, const std::set<FaultAt>* only) {
  Federation federation(plan, only);
  return federation.run();
}

std::vector<FaultAt> shrink(const Plan& plan, std::vector<FaultAt> faults) {
  using SteadyClock = std::chrono::steady_clock;
  const auto until = SteadyClock::now() + kShrinkFor;
  for (std::size_t piece = std::max<std::size_t>(1, faults.size() / 2); piece > 0; piece /= 2) {
    for (std::size_t at = 0; at < faults.size() && SteadyClock::now() < until;) {
      std::vector<FaultAt> fewer = faults;
      const std::size_t end = std::min(at + piece, fewer.size());
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(at),
                  fewer.begin() + static_cast<std::ptrdiff_t>(end));
      const std::set<FaultAt> only(fewer.begin(), fewer.end());
      if (run(plan, &only).failure.empty()) {
        at += piece;
      } else {
        faults = std::move(fewer);
      }
    }
  }
  return faults;
}

}  // namespace gradmint::simulation
