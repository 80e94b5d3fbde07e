#include "worker/session/evaluation_work.h"

#include <utility>

#include "coordinator/protocol/limits.h"
#include "kernels/base/text.h"

namespace gradmint::session {
namespace {
constexpr std::uint64_t kRevealAgainMs = 300;
constexpr std::size_t kRoundsRemembered = 8;
}  // namespace

EvaluationWork::EvaluationWork(const Config& config, const std::vector<EvaluationMemory>& memory)
    : config_(config) {
  for (const EvaluationMemory& m : memory) memory_[m.body.round] = m;
}

const EvaluationMemory* EvaluationWork::memory_of(std::uint64_t round,
                                                  const Hash& model_root) const {
  const auto found = memory_.find(round);
  if (found == memory_.end() || found->second.model_root != model_root) return nullptr;
  return &found->second;
}

void EvaluationWork::begin(std::uint64_t round, const Hash& model_root) {
  round_ = round;
  model_root_ = model_root;
  stage_ = memory_of(round, model_root) != nullptr ? Stage::commit : Stage::idle;
}

void EvaluationWork::advance(const AttemptKey& attempt, const Hash& model_root,
                             std::uint64_t deadline_at_ms, const Stations& stations) {
  const std::uint64_t round = attempt.round;
  attempt_ = attempt.attempt;
  if (round != round_ || model_root != model_root_) begin(round, model_root);
  const GenesisRecord& genesis = stations.chain.genesis();
  switch (stage_) {
    case Stage::idle:
      if (!attests_) {
        if (!std::exchange(told_, true))
          stations.out.say(
              "this worker attests no model: it has no held-out samples (--data with --holdout, or "
              "--evaluator)");
        return decline("no held-out samples here", stations.out);
      }
      if (!stations.blobs.want(model_root, model_bytes(genesis), model_bytes(genesis))) return;
      start(deadline_at_ms, stations.out);
      return;
    case Stage::commit: {
      const EvaluationMemory* memory = memory_of(round, model_root);
      CommitEvaluation body;
      body.round = round;
      body.commitment =
          evaluation_commitment(config_.key.account(), memory->model_root, memory->body);
      stations.desk.want(TxType::commit_evaluation, encode_record(body));
      return;
    }
    case Stage::reveal:
      if (stations.out.now_ms() < not_before_ms_) return;
      stations.desk.want(TxType::reveal_evaluation,
                         encode_record(memory_of(round, model_root)->body));
      return;
    case Stage::running:
    case Stage::done:
      return;
  }
}

void EvaluationWork::start(std::uint64_t deadline_at_ms, Outgoing& out) {
  const std::uint64_t now = out.now_ms();
  if (deadline_at_ms != 0 && deadline_at_ms <= now) return;  // the round goes on without it
  stage_ = Stage::running;
  out.effect(StartEvaluation{model_root_, round_, deadline_at_ms == 0 ? 0 : deadline_at_ms - now});
}

// So that the round does not wait for it.
void EvaluationWork::decline(const std::string& why, Outgoing& out) {
  if (out.link_up()) {
    out.effect(
        Send{0, GiveUp{round_, attempt_, Duty::evaluation, clean_text(why, kMaxTextBytes)}, {}});
  }
  stage_ = Stage::done;
}

void EvaluationWork::take(const EvaluationEnded& ended, Outgoing& out) {
  if (stage_ != Stage::running || ended.model_root != model_root_) return;
  if (!ended.ok) {
    out.warn("round " + std::to_string(round_) + ": no attestation, " + ended.fault);
    return decline(ended.fault, out);
  }
  EvaluationMemory memory;
  memory.model_root = model_root_;
  memory.body = RevealEvaluation{round_, ended.metrics, ended.examples,
                                 evaluation_salt(config_.secret, round_, model_root_)};
  memory_[round_] = memory;
  while (memory_.size() > kRoundsRemembered) memory_.erase(memory_.begin());
  out.effect(SaveEvaluation{memory});
  stage_ = Stage::commit;
}

void EvaluationWork::take(const Settled& settled, Outgoing& out) {
  if (settled.type == TxType::commit_evaluation && stage_ == Stage::commit) {
    const bool stands = settled.verdict == Verdict::ok || settled.verdict == Verdict::duplicate ||
                        settled.verdict == Verdict::late;
    stage_ = stands ? Stage::reveal : Stage::done;
    not_before_ms_ = out.now_ms();
  } else if (settled.type == TxType::reveal_evaluation && stage_ == Stage::reveal) {
    if (settled.verdict == Verdict::wrong_phase) {  // others have not committed yet
      not_before_ms_ = out.now_ms() + kRevealAgainMs;
      return;
    }
    stage_ = Stage::done;
  } else {
    return;
  }
  if (stage_ == Stage::done && settled.verdict != Verdict::ok &&
      settled.verdict != Verdict::duplicate) {
    out.warn("round " + std::to_string(round_) + ": the attestation was refused, " +
             std::string(verdict_name(settled.verdict)));
  }
}

}  // namespace gradmint::session
