// The shell around the round's state machine: feeds it the ledger, the clock and what threads
// report, and carries out what it asks for. One thread owns it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

#include "coordinator/intake/reveal_check.h"
#include "coordinator/order/orderer.h"
#include "coordinator/round/round.h"
#include "coordinator/server/best_model.h"
#include "coordinator/server/checkpoint.h"
#include "coordinator/server/home.h"
#include "coordinator/server/reporter.h"
#include "coordinator/server/settings.h"
#include "coordinator/server/surroundings.h"

namespace gradmint {

class RoundDriver {
 public:
  // `wake` ends the loop's wait; called from other threads.
  RoundDriver(const Settings& settings, const Home& home, const Surroundings& surroundings,
              Orderer& orderer, const Reporter& reporter, std::function<void()> wake);
  ~RoundDriver();

  // Opens the backend, starts the evaluator, takes up the round where the ledger left it.
  Status start(std::uint64_t now_ms);
  // Whether a program that is to judge models can: on the newest one, before anybody trains. Ends
  // early, and well, when `stop` is set.
  Status try_evaluator(const std::atomic<bool>& stop) const;

  Verdict step(std::uint64_t now_ms, decltype(RoundEvent::what) what);
  void block_committed(std::uint64_t now_ms);
  void drain(std::uint64_t now_ms);  // what the threads have finished

  // A worker's reveal: admitted (ok), or refused by name.
  Verdict check(const Reveal& reveal) const;
  // Its opening survives a restart from here on, and is to be acknowledged (order/ordering.h).
  Status take(const Reveal& reveal, bool stored);
  bool has_taken(const AccountId& worker, const Hash& root) const;
  // It is: the round counts it. Else why not; wrong_round where it is of another attempt.
  Verdict acknowledged(std::uint64_t now_ms, const Acknowledgement& acknowledgement);
  // Whether a statement was refused that its sender will not make again in this attempt: then
  // nobody waits for it.
  void note_refusal(std::uint64_t now_ms, const Ordered& ordered);

  // The round under way waits for nothing more of a worker.
  void note_suspension(std::uint64_t now_ms, const AccountId& worker);

  const RoundMachine& machine() const { return machine_; }
  const ModelSize& model_size() const { return orderer_.chain().genesis().task.size; }
  void announce() { announce_ = true; }
  bool take_announcement() { return std::exchange(announce_, false); }
  bool finished() const { return finished_; }
  const std::string& halted() const { return halted_; }
  void resume() { halted_.clear(); }
  const std::optional<BestModel>& best() const { return best_; }
  const std::string& backend_name() const { return aggregator_->backend_name(); }

 private:
  Status check_optimizer_state() const;
  Result<std::map<std::string, std::string>> evaluator_environment() const;
  Status write_contract() const;
  Status follow_scaler();
  Status start_evaluator();
  void look_for_best();
  void note_settled(const RoundRecord& round);
  void take(EvaluationDone& done);
  void forget_evaluations();
  Status restore_openings();
  void carry_out(RoundEffects effects);
  Hash seed_head() const;  // the newest link that the ledger names
  void carry_out(const ProposeClose& effect);
  void carry_out(const ProposeScaler& effect);
  void carry_out(const Execute& effect);
  void carry_out(const Evaluate& effect);
  void post(decltype(RoundEvent::what) what);
  Hash open_block() const;

  const Settings& settings_;
  Home home_;
  const Surroundings& surroundings_;
  BlobStore blobs_;
  Orderer& orderer_;
  const Reporter& reporter_;
  std::function<void()> wake_;
  RoundMachine machine_;
  SeedChain seeds_;
  std::map<AccountId, Opening> openings_;  // of the current attempt
  std::optional<BestModel> best_;          // where settings ask for one
  bool announce_ = true, finished_ = false;
  std::string halted_;

  std::mutex mutex_;                    // over the next two
  std::vector<std::string> unwritten_;  // files for people
  std::vector<decltype(RoundEvent::what)> posted_;
  std::unique_ptr<ModelJudge> evaluator_;
  std::shared_ptr<CheckpointWriter> checkpoints_;
  std::unique_ptr<Aggregator> aggregator_;
};

}  // namespace gradmint
