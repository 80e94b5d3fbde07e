#include "coordinator/server/round_driver.h"

#include "ledger/close_plan.h"
#include "ledger/durable_file.h"
#include "ledger/scaler.h"

namespace gradmint {
namespace {

AttemptKey attempt_of(const RoundRecord& round) { return {round.round, round.attempt}; }

RoundPolicy policy_of(const Settings& settings, const Orderer& orderer) {
  RoundPolicy policy;
  policy.rounds = settings.rounds;
  policy.stop_when = settings.stop_when;
  policy.min_workers = settings.min_workers;
  policy.aggregation = ledger_spec(settings.aggregation);
  policy.training = settings.training;
  policy.encoding = ledger_encoding(settings.encoding);
  policy.limits = settings.limits;
  policy.evaluate_here = settings.evaluate_here;
  policy.self = orderer.account();
  policy.evaluation_deadline_ms = settings.evaluation_deadline_ms;
  policy.suspend_after_rounds = orderer.chain().genesis().limits.suspend_after_rounds;
  return policy;
}

// Refused by a rule of its body, past an envelope that its sender signed: the sender will not make
// it again in this attempt.
bool is_refused_for_good(Verdict verdict) {
  if (verdict == Verdict::malformed) return true;
  if (verdict == Verdict::duplicate || verdict == Verdict::wrong_phase) return false;
  return verdict > Verdict::not_authorised && verdict < Verdict::wrong_height;
}

// "; refused: worker-3 (malformed_payload)", or nothing.
std::string refused_text(const StateReader& state, const std::vector<ResultEntry>& entries) {
  std::string text;
  for (const ResultEntry& entry : entries) {
    if (entry.verdict == Verdict::ok) continue;
    text += (text.empty() ? "; refused: " : ", ") +
            describe_worker(state, entry.worker).value("name", "") + " (" +
            std::string(verdict_name(entry.verdict)) + ")";
  }
  return text;
}

}  // namespace

RoundDriver::RoundDriver(const Settings& settings, const Home& home,
                         const Surroundings& surroundings, Orderer& orderer,
                         const Reporter& reporter, std::function<void()> wake)
    : settings_(settings),
      home_(home),
      surroundings_(surroundings),
      blobs_(home.blob_store()),
      orderer_(orderer),
      reporter_(reporter),
      wake_(std::move(wake)),
      machine_(policy_of(settings, orderer)),
      seeds_(Hash{}, 0) {}

RoundDriver::~RoundDriver() = default;

// An optimizer goes on from its own state: to another one the numbers would mean something else.
Status RoundDriver::check_optimizer_state() const {
  const std::string kept = optimizer_of_job(orderer_.chain().state());
  const std::string& name = machine_.policy().aggregation.optimizer.name;
  if (kept.empty() || kept == name) return {};  // without a state every optimizer begins with zeros
  return Error{ErrorCode::bad_input, "aggregation.optimizer = '" + name +
                                         "': the ledger goes on from the state of '" + kept +
                                         "'; set it back to that, or begin a new chain with init"};
}

Status RoundDriver::start(std::uint64_t now_ms) {
  auto secret = read_secret(home_.seed_chain(), home_.disk());
  if (!secret) return secret.error();
  seeds_ = SeedChain(*secret, surroundings_.seed_chain_length);
  if (const Hash head = seed_head(); head != seeds_.last() && !seeds_.preimage_of(head)) {
    return Error{ErrorCode::corrupt, home_.seed_chain().string() +
                                         " is not the seed chain of this ledger, without which no "
                                         "round can close: restore it from a copy"};
  }
  // Workers start from it, and would fetch a damaged one for ever.
  auto newest = blobs_.get_verified(job_of(orderer_.chain().state()).model_root);
  if (!newest) return newest.error();
  if (const Status fits = check_optimizer_state(); !fits.ok()) return fits;
  const Chain& chain = orderer_.chain();
  auto checkpoints = CheckpointWriter::open(home_, task_of(chain.genesis(), chain.state()));
  if (!checkpoints) return checkpoints.error();
  checkpoints_ = std::make_shared<CheckpointWriter>(*std::move(checkpoints));
  look_for_best();
  auto aggregator = surroundings_.aggregator(
      settings_.backend, settings_.threads, blobs_,
      [this, writer = checkpoints_](ExecutionDone done, std::span<const float> model) {
        if (done.error.empty() && !model.empty()) {
          const Status s = writer->write(done.round, model);
          const std::lock_guard lock(mutex_);
          if (!s) unwritten_.push_back(s.error().message);
        }
        post(std::move(done));
      });
  if (!aggregator) return aggregator.error();
  aggregator_ = *std::move(aggregator);
  if (Status s = start_evaluator(); !s) return s;
  step(now_ms, LedgerAdvanced{view_of(orderer_.chain())});
  if (Status s = restore_openings(); !s) return s;
  // Told before the restart; what is acknowledged later is told once more.
  for (const Acknowledgement& held : orderer_.acknowledged()) acknowledged(now_ms, held);
  forget_evaluations();
  return Status{};
}

// What was taken before a restart is in the store, and acknowledged again; the rest comes again.
Status RoundDriver::restore_openings() {
  const auto& round = machine_.view().round;
  auto pending = orderer_.store().pending();
  if (!pending) return pending.error();
  std::vector<std::string> needless;
  for (const auto& [key, value] : *pending) {
    if (!is_pending_acknowledgement(key)) continue;
    const auto taken = decode_record<Acknowledgement>(value);
    if (!taken || !round || round->phase != RoundPhase::revealing ||
        taken->attempt != attempt_of(*round)) {
      needless.push_back(key);
      continue;
    }
    openings_[taken->worker] = taken->opening;
    if (Status s = orderer_.acknowledge_again(*taken); !s) return s;
  }
  orderer_.forget_pending(std::move(needless));
  return {};
}

Verdict RoundDriver::step(std::uint64_t now_ms, decltype(RoundEvent::what) what) {
  RoundEffects effects;
  const Verdict verdict = machine_.step({now_ms, std::move(what)}, effects);
  carry_out(std::move(effects));
  return verdict;
}

void RoundDriver::block_committed(std::uint64_t now_ms) {
  const auto before = machine_.view().round;
  RoundView view = view_of(orderer_.chain());
  if (machine_.view().stated && !view.stated) {
    if (const Status followed = follow_scaler(); !followed.ok()) {
      halted_ = followed.error().message;
      reporter_.warn("paused: " + halted_);
    }
  }
  step(now_ms, LedgerAdvanced{std::move(view)});
  const auto& after = machine_.view().round;
  const bool was_settled = before && before->phase == RoundPhase::settled;
  if (after && after->phase == RoundPhase::settled &&
      (!was_settled || before->round != after->round)) {
    note_settled(*after);
    if (settings_.evaluate_here) forget_evaluations();
  }
  const bool was_revealing = before && before->phase == RoundPhase::revealing;
  const bool is_revealing = after && after->phase == RoundPhase::revealing;
  if (was_revealing && !is_revealing) {
    std::vector<std::string> needless;
    for (const auto& [worker, opening] : openings_)
      needless.push_back(pending_key(attempt_of(*before), worker));
    orderer_.forget_pending(std::move(needless));
    openings_.clear();
  }
}

void RoundDriver::post(decltype(RoundEvent::what) what) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(what));
  }
  wake_();
}

void RoundDriver::drain(std::uint64_t now_ms) {
  std::vector<decltype(RoundEvent::what)> posted;
  std::vector<std::string> unwritten;
  {
    const std::lock_guard lock(mutex_);
    posted.swap(posted_);
    unwritten.swap(unwritten_);
  }
  // The ledger has the model: without the file for people the job goes on.
  for (const std::string& fault : unwritten) reporter_.warn("the model's file: " + fault);
  for (auto& what : posted) {
    if (const auto* done = std::get_if<ExecutionDone>(&what)) {
      for (const PayloadRefusal& refusal : done->refusals) {
        reporter_.warn("round " + std::to_string(done->round) + ": the update of " +
                       describe_worker(orderer_.chain().state(), refusal.worker).value("name", "") +
                       " is refused: " + refusal.text);
      }
      if (done->failure != Verdict::ok) {
        reporter_.warn(done->error + refused_text(orderer_.chain().state(), done->result.entries));
      }
    }
    if (auto* done = std::get_if<EvaluationDone>(&what)) take(*done);
    step(now_ms, std::move(what));
  }
}

Hash RoundDriver::open_block() const {
  return orderer_.chain().history().at(machine_.view().round->open_height);
}

Verdict RoundDriver::check(const Reveal& reveal) const {
  if (!machine_.view().round) return Verdict::wrong_round;
  if (machine_.station() == Station::aggregating) return Verdict::late;
  return check_reveal(machine_.view(), orderer_.chain().state(), open_block(), model_size(),
                      openings_, reveal);
}

Status RoundDriver::take(const Reveal& reveal, bool stored) {
  const Acknowledgement taken{attempt_of(*machine_.view().round), reveal.worker, reveal.opening,
                              stored};
  if (Status s = orderer_.acknowledge(taken); !s) return s;
  openings_[reveal.worker] = reveal.opening;
  return {};
}

bool RoundDriver::has_taken(const AccountId& worker, const Hash& root) const {
  const auto taken = openings_.find(worker);
  return taken != openings_.end() && taken->second.root == root;
}

Verdict RoundDriver::acknowledged(std::uint64_t now_ms, const Acknowledgement& acknowledgement) {
  const auto& round = machine_.view().round;
  if (!round || acknowledgement.attempt != attempt_of(*round)) return Verdict::wrong_round;
  const auto& [attempt, worker, opening, is_stored] = acknowledgement;
  if (is_stored) return step(now_ms, PayloadStored{worker, opening});
  return step(now_ms, PayloadUnusable{worker, opening});
}

void RoundDriver::note_refusal(std::uint64_t now_ms, const Ordered& ordered) {
  const Transaction& tx = ordered.transaction.transaction;
  if (!is_refused_for_good(ordered.verdict)) return;
  if (tx.type == TxType::state_sums) step(now_ms, SumsGivenUp{tx.sender});
  const auto& round = machine_.view().round;
  if (!round) return;
  if (tx.type == TxType::commit_update) {
    const auto body = decode_record<CommitUpdate>(tx.body);
    if (!body || (body->round == round->round && body->attempt == round->attempt))
      step(now_ms, TrainingGivenUp{tx.sender, round->round});
  } else if (tx.type == TxType::commit_evaluation) {
    const auto body = decode_record<CommitEvaluation>(tx.body);
    if (!body || body->round == round->round)
      step(now_ms, EvaluationGivenUp{tx.sender, round->round});
  }
}

void RoundDriver::note_suspension(std::uint64_t now_ms, const AccountId& worker) {
  const auto& round = machine_.view().round;
  if (!round) return;
  step(now_ms, TrainingGivenUp{worker, round->round});
  step(now_ms, RevealGivenUp{worker});
  step(now_ms, EvaluationGivenUp{worker, round->round});
}

void RoundDriver::carry_out(RoundEffects effects) {
  for (RoundEffect& effect : effects) {
    if (auto* propose = std::get_if<Propose>(&effect)) {
      orderer_.propose(propose->type, std::move(propose->body));
    } else if (std::holds_alternative<ProposeEmptyBlock>(effect)) {
      orderer_.propose_empty();
    } else if (const auto* close = std::get_if<ProposeClose>(&effect)) {
      carry_out(*close);
    } else if (const auto* scaler = std::get_if<ProposeScaler>(&effect)) {
      carry_out(*scaler);
    } else if (const auto* execute = std::get_if<Execute>(&effect)) {
      carry_out(*execute);
    } else if (const auto* evaluate = std::get_if<Evaluate>(&effect)) {
      carry_out(*evaluate);
    } else if (const auto* halt = std::get_if<Halt>(&effect)) {
      halted_ = halt->reason;
      reporter_.warn("paused: " + halted_);
    } else if (std::holds_alternative<Finished>(effect)) {
      finished_ = true;
    }
    if (std::holds_alternative<Announce>(effect)) announce_ = true;
  }
}

Hash RoundDriver::seed_head() const {
  const auto head = orderer_.chain().state().find(state_key::seed_head(orderer_.account()));
  GRADMINT_CHECK(head.has_value() && head->size() == sizeof(Hash));
  Hash current;
  std::copy(head->begin(), head->end(), current.bytes.begin());
  return current;
}

void RoundDriver::carry_out(const ProposeClose& effect) {
  const auto preimage = seeds_.preimage_of(seed_head());
  if (!preimage) {
    halted_ = "the seed chain in " + home_.seed_chain().string() +
              " is used up: this ledger closes no more rounds; go on with a new federation that "
              "starts from its newest model";
    return reporter_.warn("paused: " + halted_);
  }
  orderer_.propose(
      TxType::close_commits,
      encode_record(plan_close(effect.round, effect.attempt, *preimage, machine_.view().commits)));
}

void RoundDriver::carry_out(const Execute& effect) {
  AggregationJob job;
  job.round = *machine_.view().round;
  job.buffer_count = model_size().buffers;
  const auto verdicts =
      ledger_verdicts(orderer_.chain().state(), job.round, model_size(), effect.openings);
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const AccountId& worker = job.round.close.entries[i].worker;
    RoundPayload payload;
    payload.verdict = verdicts[i];
    const auto opening = effect.openings.find(worker);
    if (opening != effect.openings.end()) payload.opening = opening->second;
    for (const auto& [who, commit] : machine_.view().commits) {
      if (who == worker) payload.exponent = commit.body.exponent;
    }
    job.payloads.push_back(std::move(payload));
  }
  aggregator_->run(std::move(job));
}

}  // namespace gradmint
