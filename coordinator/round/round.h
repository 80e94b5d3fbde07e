// The life of rounds as a pure state machine: when to open, close, abandon, aggregate, evaluate and
// settle.
//
//   waiting → training → revealing → aggregating → evaluating → (waiting for the next | finished)
//
// Where the scaler comes from the sites, waiting → summing → waiting stands before the first round.
//
// The ledger is its only memory: what it must not forget is in blocks or in the store's pending
// entries, so a restarted coordinator feeds it the ledger's view and what is pending, and it goes
// on. Verdicts say what became of an event; effects say what is to be done. Not thread safe.
#pragma once

#include <optional>
#include <set>

#include "coordinator/round/goal.h"
#include "coordinator/round/round_events.h"

namespace gradmint {

enum class Station : std::uint8_t {
  waiting,      // for workers, or between attempts: open_round is next
  training,     // commitments come in
  revealing,    // payloads come in
  aggregating,  // Execute is out
  evaluating,   // attestations come in
  finished,     // the last round is settled
  summing,      // before the first round: sums for the scaler come in
};

struct RoundPolicy {
  std::uint64_t rounds = 1;       // stop after this one
  std::optional<Goal> stop_when;  // or once a settled round is there
  std::uint32_t min_workers = 1;  // present before the first round
  AggregationSpec aggregation;
  TrainingSpec training;  // seed is the job's; the round's is derived from it
  EncodingSpec encoding;
  RoundLimits limits;
  bool evaluate_here = true;  // by the coordinator's own data, else by the workers
  AccountId self;             // the validator's account
  std::uint32_t evaluation_deadline_ms = 60'000;
  std::uint32_t suspend_after_rounds = 3;  // the chain's limit, which the ledger holds to as well
  std::uint32_t retry_wait_ms = 1'000;  // after the first abandoned attempt; doubled for each more
};

class RoundMachine {
 public:
  explicit RoundMachine(RoundPolicy policy) : policy_(std::move(policy)) {}

  Verdict step(const RoundEvent& event, RoundEffects& effects);

  Station station() const { return station_; }
  bool paused() const { return paused_; }
  const RoundView& view() const { return view_; }
  const RoundPolicy& policy() const { return policy_; }
  // Payloads held, and when the current station must end (0: no timer runs).
  std::size_t stored_count() const { return stored_.size(); }
  std::uint64_t deadline_ms() const { return deadline_ms_; }
  bool present(const AccountId& worker, std::uint64_t now_ms) const;
  std::uint32_t present_count(std::uint64_t now_ms) const;
  // How many workers must be present before the next attempt can open.
  std::uint32_t needed_count() const;
  bool has_stored(const AccountId& worker) const { return stored_.count(worker) != 0; }

  // For whoever watches: a worker's part in the current station, when it was heard last, and since
  // when it is late (half of the others were done the stall limit before that).
  enum class Part : std::uint8_t { none, working, done, given_up };
  Part part_of(const AccountId& worker) const;
  std::optional<std::uint64_t> heard_ms(const AccountId& worker) const;
  std::optional<std::uint64_t> overdue_ms(const AccountId& worker, std::uint64_t now_ms) const;

 private:
  Verdict on(const Tick&, std::uint64_t now_ms, RoundEffects& effects);
  Verdict on(const LedgerAdvanced& event, std::uint64_t now_ms, RoundEffects& effects);
  Verdict on(const WorkerHeard& event, std::uint64_t now_ms, RoundEffects& effects);
  Verdict on(const TrainingGivenUp& event, std::uint64_t now_ms, RoundEffects& effects);
  Verdict on(const PayloadStored& event, std::uint64_t now_ms, RoundEffects& effects);
  Verdict on(const PayloadUnusable& event, std::uint64_t now_ms, RoundEffects& effects);
  Verdict on(const RevealGivenUp& event, std::uint64_t now_ms, RoundEffects& effects);
  Verdict on(const EvaluationGivenUp& event, std::uint64_t now_ms, RoundEffects& effects);
  Verdict on(const ExecutionDone& event, std::uint64_t now_ms, RoundEffects& effects);
  Verdict on(const EvaluationDone& event, std::uint64_t now_ms, RoundEffects& effects);
  Verdict on(const PauseRequested&, std::uint64_t now_ms, RoundEffects& effects);
  Verdict on(const ResumeRequested&, std::uint64_t now_ms, RoundEffects& effects);
  Verdict on(const SumsGivenUp& event, std::uint64_t now_ms, RoundEffects& effects);

  void enter(Station station, std::uint64_t now_ms, std::uint64_t deadline_ms,
             RoundEffects& effects);
  void advance(std::uint64_t now_ms, RoundEffects& effects);
  void try_open(std::uint64_t now_ms, RoundEffects& effects);
  void try_fix(std::uint64_t now_ms, RoundEffects& effects);
  bool suspend_one(RoundEffects& effects);
  std::uint64_t retry_wait_ms() const;
  void try_close(std::uint64_t now_ms, RoundEffects& effects);
  void note_all_failed(RoundEffects& effects);
  void try_execute(std::uint64_t now_ms, RoundEffects& effects);
  void try_settle(std::uint64_t now_ms, RoundEffects& effects);
  Propose abandonment(Verdict reason) const;
  void abandon(Verdict reason, RoundEffects& effects);
  void conclude(Propose proposal, RoundEffects& effects);

  bool heard_within(const AccountId& worker, std::uint64_t now_ms, std::uint64_t window_ms) const;
  // Whether everyone worth waiting for has finished, or the time for it is over.
  bool gathered(const std::vector<AccountId>& expected, const std::set<AccountId>& finished,
                std::uint64_t now_ms);
  // Whether half of them took so much less time that the others are not waited for.
  bool too_slow(std::size_t expected, std::size_t finished, std::uint64_t now_ms);
  bool more_evaluations_come(std::uint64_t now_ms);
  void remember_attendance();  // of the round that is settled now

  RoundPolicy policy_;
  RoundView view_;
  Station station_ = Station::waiting;
  bool paused_ = false;
  bool proposed_ = false;            // a proposal for this station is on its way into a block
  bool aggregation_failed_ = false;  // and is tried again once the owner resumes
  std::uint64_t entered_ms_ = 0, deadline_ms_ = 0;
  std::uint64_t retry_ms_ = 0;          // when the next attempt may open
  std::uint64_t half_finished_ms_ = 0;  // how long half of the expected took; 0 until then
  std::uint64_t empty_block_ms_ = 0;    // when the next empty block is due
  std::uint64_t opened_ms_ = 0;         // when the current attempt began
  std::uint64_t start_ms_ = 0;          // first event: nobody has been heard before it
  bool started_ = false;
  std::map<AccountId, std::uint64_t> heard_ms_;
  // Of whom nothing more is waited for: a commitment, a payload, an attestation.
  std::map<AccountId, std::string> given_up_;  // and their word for why
  std::set<AccountId> reveal_given_up_, evaluation_given_up_, sums_given_up_;
  // Evaluators that were waited for in vain when the last round was evaluated.
  std::set<AccountId> idle_evaluators_;
  // Members for which settled rounds in a row waited in vain: there, and without an update or a
  // word.
  std::map<AccountId, std::uint32_t> idle_rounds_;
  std::map<AccountId, Opening> stored_, unusable_;
  std::optional<RevealEvaluation> figures_;
  std::optional<Propose> conclusion_;  // of the aggregation; said again until it stands
  bool evaluation_failed_ = false;
  std::uint32_t failures_ = 0;  // attempts in a row without an aggregate that others could mend
};

// The specification the next attempt would open with. Pure; shared with tests.
OpenRound next_open_round(const RoundPolicy& policy, const RoundView& view);

}  // namespace gradmint
