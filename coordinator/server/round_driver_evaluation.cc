// The part of the round driver that judges models: the evaluator's child, and which model is the
// best so far.
#include <chrono>
#include <future>

#include "coordinator/server/evaluation_memory.h"
#include "coordinator/server/round_driver.h"
#include "ledger/salts.h"

namespace gradmint {
namespace {
constexpr std::chrono::milliseconds kLookForStop{50};
}

// What the evaluator is given, the data contract among it as a file to read.
Result<std::map<std::string, std::string>> RoundDriver::evaluator_environment() const {
  const TaskSpec& task = orderer_.chain().genesis().task;
  std::map<std::string, std::string> environment;
  if (!settings_.evaluator.empty()) {
    environment["GRADMINT_EVALUATOR"] = settings_.evaluator;
    environment["GRADMINT_LAYOUT"] = blobs_.path_of(task.layout_root).string();
    environment["GRADMINT_WORK_DIR"] = (home_.root / "evaluator").string();
  }
  if (task.contract.empty()) return environment;
  if (Status written = write_contract(); !written) return written.error();
  environment["GRADMINT_CONTRACT"] = (home_.run() / "contract.json").string();
  return environment;
}

// One that cannot would be found out after the first round's training.
Status RoundDriver::try_evaluator(const std::atomic<bool>& stop) const {
  if (!settings_.evaluate_here || settings_.evaluator.empty()) return {};
  auto environment = evaluator_environment();
  if (!environment) return environment.error();
  std::promise<Status> tried;
  std::future<Status> outcome = tried.get_future();
  const auto client =
      surroundings_.judge(settings_.evaluation_command, *environment,
                          static_cast<int>(settings_.evaluation_deadline_ms),
                          [&](std::uint64_t, Result<Figures> figures) {
                            tried.set_value(figures ? Status{} : Status(figures.error()));
                          });
  client->ask({0, blobs_.path_of(job_of(orderer_.chain().state()).model_root).string()});
  while (outcome.wait_for(kLookForStop) != std::future_status::ready) {
    if (stop) return {};  // the client ends the program
  }
  const Status status = outcome.get();
  if (status.ok()) return status;
  return Error{status.error().code, "evaluation.evaluator: " + status.error().message};
}

Status RoundDriver::start_evaluator() {
  if (!settings_.evaluate_here) return {};
  auto environment = evaluator_environment();
  if (!environment) return environment.error();
  const auto report = [this](std::uint64_t round, Result<Figures> figures) {
    EvaluationDone done;
    done.round = round;
    done.figures.round = round;
    if (figures) {
      done.figures.metrics = figures->metrics;
      done.figures.examples = figures->examples;
    } else {
      done.error = figures.error().message;
    }
    post(std::move(done));
  };
  evaluator_ = surroundings_.judge(settings_.evaluation_command, *environment,
                                   static_cast<int>(settings_.evaluation_deadline_ms), report);
  return {};
}

// Asked once for each model, however often this process is started anew.
void RoundDriver::carry_out(const Evaluate& effect) {
  const auto kept = remembered_evaluation(orderer_.store(), effect.round, effect.model_root);
  if (!kept) reporter_.warn(kept.error().message);
  if (kept && *kept) return post(EvaluationDone{effect.round, **kept, ""});
  evaluator_->ask({effect.round, blobs_.path_of(effect.model_root).string()});
}

// What the evaluator has said, on the disk before the ledger has its commitment.
void RoundDriver::take(EvaluationDone& done) {
  const RoundView& view = machine_.view();
  const auto tell = [&] {
    if (!done.error.empty())
      reporter_.warn("round " + std::to_string(done.round) + ": no attestation: " + done.error);
  };
  if (machine_.station() != Station::evaluating || done.round != view.round->round) return tell();
  const Hash& model_root = view.round->result.model_root;
  // Figures that were kept have theirs.
  if (done.figures.salt.is_zero()) {
    done.figures.salt = orderer_.signer().evaluation_salt(done.round, model_root);
  }
  const auto own = view.evaluations.find(orderer_.account());
  if (done.error.empty() && own != view.evaluations.end() &&
      own->second.commitment !=
          evaluation_commitment(orderer_.account(), model_root, done.figures)) {
    done.error =
        "the evaluator says other figures than those that stand committed on the ledger from "
        "before this start";
  } else if (done.error.empty()) {
    if (Status kept = remember_evaluation(orderer_.store(), model_root, done.figures); !kept)
      done.error = kept.error().message;
  }
  tell();
}

void RoundDriver::forget_evaluations() {
  const auto& round = machine_.view().round;
  auto needless = needless_evaluations(
      orderer_.store(),
      round && round->phase == RoundPhase::evaluating ? round->round : std::uint64_t{0});
  if (!needless) return reporter_.warn(needless.error().message);
  orderer_.forget_pending(*std::move(needless));
}

// As in note_settled.
void RoundDriver::look_for_best() {
  if (!settings_.best_by) return;
  best_.emplace(*settings_.best_by, checkpoints_);
  if (Status found = best_->look_back(orderer_.chain().state()); !found)
    reporter_.warn("the best model's file: " + found.error().message);
}

// A file for people: without it the job goes on.
void RoundDriver::note_settled(const RoundRecord& round) {
  if (!best_) return;
  const auto is_best = best_->settled(round);
  if (!is_best) return reporter_.warn("the best model's file: " + is_best.error().message);
  if (*is_best) reporter_.best(*best_->standing());
}

}  // namespace gradmint
