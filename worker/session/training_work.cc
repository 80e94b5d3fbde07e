#include "worker/session/training_work.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "ledger/hash.h"
#include "ledger/kernel_spec.h"
#include "ledger/model/buffers.h"
#include "ledger/model/safetensors.h"
#include "ledger/tags.h"

namespace gradmint::session {
namespace {

// A stream of its own for each worker and round, the same in every attempt at it: a retried round
// gives the same update.
std::uint64_t seed_of(const StartTraining& order) {
  Writer w;
  w.u64(order.training.seed);
  w.u64(order.key.round);
  w.hash(order.worker);
  const Hash hash = tagged_hash(tag::kTrainingSeed, w.view());
  return Reader(hash.view()).u64();
}

Result<TrainTask> task_of(const StartTraining& order) {
  const TrainingSpec& spec = order.training;
  const auto optimizer = parse_optimizer(spec.optimizer);
  if (!optimizer) return optimizer.error();
  TrainTask task;
  task.round = order.key.round;
  task.seed = seed_of(order);
  task.local_epochs = spec.local_epochs;
  task.local_steps = spec.local_steps;
  task.batch_size = spec.batch_size;
  task.learning_rate = std::bit_cast<float>(spec.learning_rate_bits);
  task.momentum = std::bit_cast<float>(spec.momentum_bits);
  task.optimizer = *optimizer;
  task.deadline_ms = order.deadline_ms;
  return task;
}

std::uint32_t done_ppm(const TrainProgress& progress) {
  if (progress.steps_total == 0) return 0;
  const std::uint64_t ppm = progress.step * 1'000'000 / progress.steps_total;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(ppm, 1'000'000));
}

}  // namespace

Result<std::vector<float>> TrainingWork::load_model(const Hash& root) const {
  auto blob = blobs_.get(root);
  if (!blob) return blob.error();
  return decode_flat_fp32(blob->bytes());
}

Result<Submission> TrainingWork::submit(const StartTraining& order,
                                        const std::filesystem::path& residual_file,
                                        std::span<const float> global,
                                        const TrainOutcome& outcome) const {
  const ModelSize& size = trainers_.trainer->layout().size();
  const auto residual = WorkerHome::read_residual(blobs_.disk(), residual_file, size.parameters);
  if (!residual) return residual.error();
  AdversaryView view;
  view.round = order.key.round;
  view.seed = adversary_seed_;
  std::vector<float> change;
  if (adversary_.active(order.key.round) && !order.previous_model_root.is_zero()) {
    // Best effort, as an attacker's: without the older model there is nothing to replay.
    const auto previous = load_model(order.previous_model_root);
    if (previous && previous->size() == global.size()) {
      change.resize(global.size());
      for (std::size_t i = 0; i < change.size(); ++i) change[i] = global[i] - (*previous)[i];
      view.last_global_change = change;
    }
  }
  return make_submission(size, global, outcome.parameters, *residual,
                         kernel_encoding(order.encoding), adversary_, view, encoder_);
}

// Of an update that was made, so both are as long as the layout says.
std::string TrainingWork::remark_on(std::span<const float> global,
                                    std::span<const float> local) const {
  std::vector<float> change(global.size());
  for (std::size_t i = 0; i < change.size(); ++i) change[i] = local[i] - global[i];
  return lopsided_norm(trainers_.trainer->layout(), change);
}

void TrainingWork::train(const StartTraining& order, const std::filesystem::path& residual_file,
                         const std::atomic<bool>& cancelled, const ReportFn& report) {
  const auto failed = [&](const Error& error) {
    report({TrainingEnded{order.key, std::nullopt, error.message}, {}, {}});
  };
  auto task = task_of(order);
  if (!task) return failed(task.error());
  task->cancelled = &cancelled;
  auto global = load_model(order.model_root);
  if (!global) return failed(global.error());
  if (Status tried = try_evaluator(order, *global, cancelled, report); !tried) {
    TrainingEnded ended{order.key, std::nullopt, tried.error().message};
    ended.ends_session = !cancelled;
    return report({std::move(ended), {}, {}});
  }
  const bool flip = trainers_.flipped && adversary_.active(order.key.round);
  Trainer& trainer = flip ? *trainers_.flipped : *trainers_.trainer;
  auto outcome = trainer.train(*global, *task, [&](const TrainProgress& progress) {
    report({TrainingProgressed{order.key, done_ppm(progress),
                               progress.message.empty() ? "training" : progress.message},
            {},
            {}});
  });
  if (!outcome) return failed(outcome.error());
  auto submission = submit(order, residual_file, *global, *outcome);
  if (!submission) return failed(submission.error());
  TrainedUpdate update;
  update.root = submission->root;
  update.size_bytes = submission->payload.size();
  update.exponent = submission->exponent;
  update.examples = outcome->examples;
  update.steps = outcome->steps;
  update.metrics = ledger_metrics(outcome->metrics);
  update.remark = remark_on(*global, outcome->parameters);
  report({TrainingEnded{order.key, update, ""}, std::move(submission->payload),
          std::move(submission->residual)});
}

// A program that cannot judge a model would be found out after hours of training.
Status TrainingWork::try_evaluator(const StartTraining& order, std::span<const float> model,
                                   const std::atomic<bool>& cancelled, const ReportFn& report) {
  if (!trainers_.evaluator_is_untried) return {};
  report({TrainingProgressed{order.key, 0, "trying the evaluator"}, {}, {}});
  const auto outcome =
      trainers_.evaluator->evaluate(model, {order.key.round, order.deadline_ms, &cancelled});
  if (!outcome) return outcome.error();
  trainers_.evaluator_is_untried = false;
  return {};
}

void TrainingWork::evaluate(const StartEvaluation& order, const std::atomic<bool>& cancelled,
                            const ReportFn& report) {
  EvaluationEnded ended;
  ended.model_root = order.model_root;
  const auto run_it = [&]() -> Result<EvaluateOutcome> {
    if (!trainers_.evaluator) {
      return Error{ErrorCode::bad_input,
                   "this worker has no held-out samples (--data, --holdout) to evaluate on"};
    }
    auto parameters = load_model(order.model_root);
    if (!parameters) return parameters.error();
    return trainers_.evaluator->evaluate(*parameters, {order.round, order.deadline_ms, &cancelled});
  };
  const auto outcome = run_it();
  if (outcome) {
    ended.ok = true;
    ended.metrics = ledger_metrics(outcome->metrics);
    ended.examples = outcome->examples;
  } else {
    ended.fault = outcome.error().message;
  }
  report({std::move(ended), {}, {}});
}

}  // namespace gradmint::session
