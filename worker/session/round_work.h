// What this worker does in a round: fetch the model, train, commit, reveal, attest. Works off what
// the coordinator asks for and what is remembered; every step may be repeated. Pure, not thread
// safe.
#pragma once

#include <map>
#include <optional>

#include "worker/session/config.h"
#include "worker/session/evaluation_work.h"
#include "worker/session/stations.h"

namespace gradmint::session {

class RoundWork {
 public:
  RoundWork(const Config& config, const Memory& memory);

  // Older than what is known: ignored. malformed when its record cannot be read.
  Verdict take(const RoundState& state, Outgoing& out);
  void advance(const Stations& stations);

  void take(const TrainingProgressed& progress, Outgoing& out);
  void take(const TrainingEnded& ended, Outgoing& out);
  void take(const EvaluationEnded& ended, Outgoing& out) { evaluation_.take(ended, out); }
  void take(const Settled& settled, Outgoing& out);
  Verdict take(const Receipt& receipt, const HeaderChain& chain, UpdateUpload& upload,
               Outgoing& out);
  void reveal_refused(RefusalCode code, const std::string& why, UpdateUpload& upload,
                      Outgoing& out);
  void cancel(Outgoing& out);

  // What this worker trains on, and whether it attests models; given before advance() is called
  // first.
  void set_dataset(RegisterDataset dataset, bool attests) {
    dataset_ = std::move(dataset);
    evaluation_.set_attests(attests);
  }
  const RegisterDataset& dataset() const { return dataset_; }
  const std::optional<RoundState>& state() const { return state_; }
  // How often to ask for the round's state: a push may have been lost, and whoever trains in
  // silence must be heard of within the round's stall limit.
  std::uint64_t poll_ms() const;
  std::uint64_t updates_receipted() const { return receipted_; }

 private:
  AttemptKey key() const { return {state_->round, state_->attempt}; }
  UpdateMemory* memory_of(const AttemptKey& key);
  Hash previous_model_root() const;
  void train_and_commit(const Stations& stations);
  void start_training(const Stations& stations);
  void give_up(const std::string& why, Outgoing& out);
  void tell_given_up(const std::string& why, Outgoing& out);
  void tell_opened(const HeaderChain& chain, Outgoing& out);

  const Config& config_;
  RegisterDataset dataset_;
  EvaluationWork evaluation_;
  std::map<AttemptKey, UpdateMemory> updates_;
  std::optional<RoundState> state_;
  std::optional<OpenRound> open_;
  std::uint64_t deadline_at_ms_ = 0;
  bool remarked_ = false;               // on what an update is made of
  AttemptKey told_;                     // announced to the person watching
  std::optional<AttemptKey> training_;  // under way
  std::optional<AttemptKey> given_up_;  // training failed, or the coordinator will not have it
  std::uint64_t progress_sent_ms_ = 0;
  std::uint64_t receipted_ = 0;
};

}  // namespace gradmint::session
