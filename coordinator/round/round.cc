#include "coordinator/round/round.h"

#include <algorithm>

#include "ledger/round_timing.h"
#include "ledger/settle_plan.h"

namespace gradmint {
namespace {

constexpr std::uint64_t kEmptyBlockIntervalMs = 500;
constexpr std::uint32_t kMaxRetryDoublings = 2;
// Other workers, or the same with other updates, may do better; but not for ever.
constexpr std::uint32_t kMaxFailures = 5;

Station station_of(const RoundView& view, const RoundPolicy& policy) {
  if (!view.round) return Station::waiting;
  switch (view.round->phase) {
    case RoundPhase::training:
      return Station::training;
    case RoundPhase::revealing:
      return Station::revealing;
    case RoundPhase::evaluating:
      return Station::evaluating;
    case RoundPhase::abandoned:
      return Station::waiting;
    case RoundPhase::settled:
      if (policy.stop_when && reached(*policy.stop_when, *view.round)) return Station::finished;
      return view.round->round >= policy.rounds ? Station::finished : Station::waiting;
  }
  return Station::waiting;
}

bool same_attempt(const RoundView& a, const RoundView& b) {
  return a.round.has_value() == b.round.has_value() &&
         (!a.round || (a.round->round == b.round->round && a.round->attempt == b.round->attempt));
}

}  // namespace

Verdict RoundMachine::step(const RoundEvent& event, RoundEffects& effects) {
  if (!started_) {
    started_ = true;
    start_ms_ = entered_ms_ = event.now_ms;
  }
  return std::visit([&](const auto& what) { return on(what, event.now_ms, effects); }, event.what);
}

void RoundMachine::enter(Station station, std::uint64_t now_ms, std::uint64_t deadline_ms,
                         RoundEffects& effects) {
  station_ = station;
  entered_ms_ = now_ms;
  deadline_ms_ = deadline_ms;
  half_finished_ms_ = 0;
  proposed_ = aggregation_failed_ = false;
  conclusion_.reset();
  effects.push_back(Announce{});
}

Verdict RoundMachine::on(const Tick&, std::uint64_t now_ms, RoundEffects& effects) {
  advance(now_ms, effects);
  return Verdict::ok;
}

Verdict RoundMachine::on(const LedgerAdvanced& event, std::uint64_t now_ms, RoundEffects& effects) {
  const bool new_attempt = !same_attempt(view_, event.view);
  if (!new_attempt && view_.round && view_.round->phase == RoundPhase::evaluating &&
      event.view.round->phase == RoundPhase::settled) {
    remember_attendance();
  }
  view_ = event.view;
  if (new_attempt) {
    given_up_.clear();
    reveal_given_up_.clear();
    evaluation_given_up_.clear();
    stored_.clear();
    unusable_.clear();
    figures_.reset();
    evaluation_failed_ = false;
  }
  const Station next = station_of(view_, policy_);
  // Aggregating is a stretch of the ledger's revealing phase, summing of the time before a round.
  const bool stays = next == station_ ||
                     (next == Station::revealing && station_ == Station::aggregating) ||
                     (view_.stated && station_ == Station::summing);
  if (!stays || new_attempt) {
    std::uint64_t deadline = 0;
    if (next == Station::training) opened_ms_ = now_ms;
    if (next == Station::training) deadline = now_ms + view_.round->open.limits.train_deadline_ms;
    if (next == Station::revealing) deadline = now_ms + view_.round->open.limits.reveal_deadline_ms;
    if (next == Station::evaluating) deadline = now_ms + policy_.evaluation_deadline_ms;
    // Only an attempt that was seen to fail is waited for: a restart begins anew at once.
    const bool failed = next == Station::waiting && station_ != Station::waiting &&
                        view_.round->phase == RoundPhase::abandoned;
    retry_ms_ = failed ? now_ms + retry_wait_ms() : 0;
    enter(next, now_ms, deadline, effects);
    if (next == Station::finished) effects.push_back(Finished{});
    if (next == Station::evaluating) {
      empty_block_ms_ = now_ms;
      if (policy_.evaluate_here) {
        effects.push_back(Evaluate{view_.round->round, view_.round->result.model_root});
      }
    }
  } else {
    proposed_ = false;  // whatever was under way stands in a block, or was refused
    if (station_ == Station::training || station_ == Station::evaluating)
      effects.push_back(Announce{});
  }
  advance(now_ms, effects);
  return Verdict::ok;
}

Verdict RoundMachine::on(const WorkerHeard& event, std::uint64_t now_ms, RoundEffects& effects) {
  heard_ms_[event.worker] = now_ms;
  if (station_ == Station::waiting) advance(now_ms, effects);
  return Verdict::ok;
}

Verdict RoundMachine::on(const TrainingGivenUp& event, std::uint64_t now_ms,
                         RoundEffects& effects) {
  if (station_ != Station::training) return Verdict::wrong_phase;
  if (event.round != view_.round->round) return Verdict::wrong_round;
  if (!given_up_.emplace(event.worker, event.why).second) return Verdict::duplicate;
  advance(now_ms, effects);
  return Verdict::ok;
}

Verdict RoundMachine::on(const PayloadStored& event, std::uint64_t now_ms, RoundEffects& effects) {
  if (station_ == Station::aggregating) return Verdict::late;
  if (station_ != Station::revealing) return Verdict::wrong_phase;
  if (!stored_.emplace(event.worker, event.opening).second) return Verdict::duplicate;
  heard_ms_[event.worker] = now_ms;
  advance(now_ms, effects);
  return Verdict::ok;
}

Verdict RoundMachine::on(const PayloadUnusable& event, std::uint64_t now_ms,
                         RoundEffects& effects) {
  if (station_ != Station::revealing) return Verdict::wrong_phase;
  if (!unusable_.emplace(event.worker, event.opening).second) return Verdict::duplicate;
  advance(now_ms, effects);
  return Verdict::ok;
}

Verdict RoundMachine::on(const RevealGivenUp& event, std::uint64_t now_ms, RoundEffects& effects) {
  if (station_ != Station::revealing) return Verdict::wrong_phase;
  if (!reveal_given_up_.insert(event.worker).second) return Verdict::duplicate;
  advance(now_ms, effects);
  return Verdict::ok;
}

Verdict RoundMachine::on(const EvaluationGivenUp& event, std::uint64_t now_ms,
                         RoundEffects& effects) {
  if (station_ != Station::evaluating) return Verdict::wrong_phase;
  if (event.round != view_.round->round) return Verdict::wrong_round;
  if (!evaluation_given_up_.insert(event.evaluator).second) return Verdict::duplicate;
  advance(now_ms, effects);
  return Verdict::ok;
}

Verdict RoundMachine::on(const ExecutionDone& event, std::uint64_t, RoundEffects& effects) {
  if (station_ != Station::aggregating || event.round != view_.round->round ||
      event.attempt != view_.round->attempt) {
    return Verdict::wrong_round;
  }
  if (event.failure != Verdict::ok) {
    conclude(abandonment(event.failure), effects);
    // Where an update was refused, other workers may do better: none of them can pause everybody.
    const auto& entries = event.result.entries;
    const bool refused = std::any_of(entries.begin(), entries.end(),
                                     [](const auto& e) { return e.verdict != Verdict::ok; });
    if (!refused && ++failures_ >= kMaxFailures) {
      paused_ = true;
      effects.push_back(Halt{event.error});
    }
    return Verdict::ok;
  }
  if (!event.error.empty()) {
    paused_ = aggregation_failed_ = true;
    effects.push_back(Halt{event.error});
    return Verdict::ok;
  }
  failures_ = 0;
  const auto accepted = std::count_if(event.result.entries.begin(), event.result.entries.end(),
                                      [](const auto& e) { return e.verdict == Verdict::ok; });
  if (!enough_updates(view_.round->open, static_cast<std::size_t>(accepted))) {
    conclude(abandonment(Verdict::too_few_updates), effects);
    return Verdict::ok;
  }
  conclude({TxType::round_result, encode_record(event.result)}, effects);
  return Verdict::ok;
}

Verdict RoundMachine::on(const EvaluationDone& event, std::uint64_t now_ms, RoundEffects& effects) {
  if (station_ != Station::evaluating || event.round != view_.round->round) {
    return Verdict::wrong_round;
  }
  if (!event.error.empty()) {
    // No attestation will come from here; the ledger lets the round settle without after some
    // blocks.
    evaluation_failed_ = true;
    empty_block_ms_ = now_ms;
  } else {
    figures_ = event.figures;
  }
  advance(now_ms, effects);
  return Verdict::ok;
}

Verdict RoundMachine::on(const PauseRequested&, std::uint64_t, RoundEffects& effects) {
  if (paused_) return Verdict::duplicate;
  paused_ = true;
  effects.push_back(Announce{});
  return Verdict::ok;
}

Verdict RoundMachine::on(const ResumeRequested&, std::uint64_t now_ms, RoundEffects& effects) {
  if (!paused_) return Verdict::duplicate;
  paused_ = false;
  failures_ = 0;
  // One that is still under way is not begun again: its result would be proposed twice.
  if (aggregation_failed_) station_ = Station::revealing;
  effects.push_back(Announce{});
  advance(now_ms, effects);
  return Verdict::ok;
}

// A pause stops new rounds only: what has begun is brought to its end.
void RoundMachine::advance(std::uint64_t now_ms, RoundEffects& effects) {
  if (proposed_) return;
  switch (station_) {
    case Station::waiting:
      try_open(now_ms, effects);
      break;
    case Station::summing:
      try_fix(now_ms, effects);
      break;
    case Station::training:
      try_close(now_ms, effects);
      break;
    case Station::revealing:
      try_execute(now_ms, effects);
      break;
    case Station::evaluating:
      try_settle(now_ms, effects);
      break;
    case Station::aggregating:
      if (conclusion_) conclude(*conclusion_, effects);
      break;
    case Station::finished:
      break;
  }
}

// A block that came without it makes it void, and nobody aggregates twice.
void RoundMachine::conclude(Propose proposal, RoundEffects& effects) {
  conclusion_ = proposal;
  effects.push_back(std::move(proposal));
  proposed_ = true;
}

std::uint32_t RoundMachine::needed_count() const {
  return view_.round ? policy_.limits.min_updates
                     : std::max(policy_.min_workers, policy_.limits.min_updates);
}

// What failed often will fail again soon: each attempt waits twice as long as the one before.
std::uint64_t RoundMachine::retry_wait_ms() const {
  return std::uint64_t{policy_.retry_wait_ms} << std::min(view_.round->attempt, kMaxRetryDoublings);
}

void RoundMachine::try_open(std::uint64_t now_ms, RoundEffects& effects) {
  if (paused_) return;
  if (now_ms < retry_ms_) return;
  if (suspend_one(effects)) return;
  if (present_count(now_ms) < needed_count()) return;
  if (view_.stated) {
    enter(Station::summing, now_ms, now_ms + policy_.limits.train_deadline_ms, effects);
    return try_fix(now_ms, effects);
  }
  effects.push_back(Propose{TxType::open_round, encode_record(next_open_round(policy_, view_))});
  proposed_ = true;
}

void RoundMachine::try_close(std::uint64_t now_ms, RoundEffects& effects) {
  std::set<AccountId> committed;
  for (const auto& [worker, commit] : view_.commits) committed.insert(worker);
  // Who has given up is not counted as fast: the others' time is measured by those who trained.
  std::vector<AccountId> expected;
  for (const AccountId& member : view_.round->open.members) {
    if (given_up_.count(member) == 0 || committed.count(member) != 0) expected.push_back(member);
  }
  if (!gathered(expected, committed, now_ms)) return;
  if (!enough_updates(view_.round->open, committed.size())) {
    abandon(Verdict::too_few_updates, effects);
    if (committed.empty()) note_all_failed(effects);
    return;
  }
  effects.push_back(ProposeClose{view_.round->round, view_.round->attempt});
  proposed_ = true;
}

// What every member says it cannot do they will not be able to next time either: a learning rate at
// which all diverge, a model that nobody's trainer takes. One that can keeps the attempts going.
void RoundMachine::note_all_failed(RoundEffects& effects) {
  const std::vector<AccountId>& members = view_.round->open.members;
  std::string why;
  for (const AccountId& member : members) {
    const auto word = given_up_.find(member);
    if (word == given_up_.end() || word->second.empty()) return;
    why = word->second;
  }
  if (++failures_ < kMaxFailures) return;
  paused_ = true;
  effects.push_back(Halt{"all " + std::to_string(members.size()) + " members of round " +
                         std::to_string(view_.round->round) + " gave up training, " +
                         std::to_string(kMaxFailures) + " attempts in a row; one says: " + why});
}

void RoundMachine::try_execute(std::uint64_t now_ms, RoundEffects& effects) {
  std::vector<AccountId> expected;
  for (const CloseEntry& entry : view_.round->close.entries) {
    const bool comes =
        reveal_given_up_.count(entry.worker) == 0 || stored_.count(entry.worker) != 0;
    if (entry.verdict == Verdict::ok && comes) expected.push_back(entry.worker);
  }
  std::set<AccountId> finished;
  for (const auto& [worker, opening] : stored_) finished.insert(worker);
  for (const auto& [worker, opening] : unusable_) finished.insert(worker);
  if (!gathered(expected, finished, now_ms)) return;
  if (!enough_updates(view_.round->open, stored_.size())) {
    abandon(Verdict::too_few_updates, effects);
    return;
  }
  Execute execute{view_.round->round, view_.round->attempt, stored_};
  execute.openings.insert(unusable_.begin(), unusable_.end());
  effects.push_back(std::move(execute));
  enter(Station::aggregating, now_ms, 0, effects);
}

Propose RoundMachine::abandonment(Verdict reason) const {
  AbandonRound body;
  body.round = view_.round->round;
  body.attempt = view_.round->attempt;
  body.reason = reason;
  std::map<AccountId, Opening> revealed = stored_;
  revealed.insert(unusable_.begin(), unusable_.end());
  for (const auto& [worker, opening] : revealed) body.revealed.push_back({worker, opening});
  GRADMINT_CHECK(abandonment_verdict(view_.round->phase, reason, !body.revealed.empty()) ==
                 Verdict::ok);
  return {TxType::abandon_round, encode_record(body)};
}

void RoundMachine::abandon(Verdict reason, RoundEffects& effects) {
  effects.push_back(abandonment(reason));
  proposed_ = true;
}

void RoundMachine::try_settle(std::uint64_t now_ms, RoundEffects& effects) {
  const RoundRecord& round = *view_.round;
  std::vector<EvaluationRecord> evaluations;
  for (const auto& [evaluator, record] : view_.evaluations) evaluations.push_back(record);
  const SettleRound settle = plan_settlement(round, view_.commits, evaluations);
  const EvaluationTiming timing =
      evaluation_timing(round, evaluations.size(), settle.attestations, view_.height + 1);
  if (timing.may_settle) {
    effects.push_back(Propose{TxType::settle_round, encode_record(settle)});
    proposed_ = true;
    return;
  }
  if (figures_) {
    const auto own = view_.evaluations.find(policy_.self);
    if (own == view_.evaluations.end() && timing.commits_open) {
      CommitEvaluation commit;
      commit.round = round.round;
      commit.commitment = evaluation_commitment(policy_.self, round.result.model_root, *figures_);
      effects.push_back(Propose{TxType::commit_evaluation, encode_record(commit)});
      proposed_ = true;
      return;
    }
    if (own != view_.evaluations.end() && !own->second.revealed && timing.reveals_open) {
      effects.push_back(Propose{TxType::reveal_evaluation, encode_record(*figures_)});
      proposed_ = true;
      return;
    }
  }
  if (!more_evaluations_come(now_ms) && now_ms >= empty_block_ms_) {
    empty_block_ms_ = now_ms + kEmptyBlockIntervalMs;
    effects.push_back(ProposeEmptyBlock{});
  }
}

}  // namespace gradmint
