// Where a worker's jobs are done, training and evaluation, one at a time, beside the session's
// loop. One real implementation, a thread (training_thread.h), and one simulated
// (tests/simulation/). All calls from the loop's thread.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "kernels/encode.h"
#include "worker/session/events.h"
#include "worker/trainer.h"

namespace gradmint::session {

struct WorkerTrainers {
  std::unique_ptr<Trainer> trainer;
  std::unique_ptr<Trainer> flipped;      // on flipped labels, for that adversary; may be empty
  std::unique_ptr<Evaluator> evaluator;  // on held-out samples; may be empty
  bool evaluator_is_untried = false;     // a user's program: it is tried before the first training
  RegisterDataset dataset;               // the manifest of what they train on
};
// Called once, when task and layout are known, and the scaler where the sites give it (else it is
// empty). The error says why this worker cannot take part.
using TrainerFactory =
    std::function<Result<WorkerTrainers>(const GenesisRecord& genesis, const ModelLayout& layout,
                                         const std::vector<ScalerBits>& scaler)>;

struct TrainingReport {
  Event event;
  kernels::EncodedBytes payload;  // of an update
  kernels::Floats residual;       // and what its encoding lost
};

class Training {
 public:
  virtual ~Training() = default;
  virtual void equip(WorkerTrainers trainers) = 0;
  // `residual_file` holds what this worker's update before lost by its encoding; empty: nothing.
  virtual void start(const StartTraining& order, const std::filesystem::path& residual_file) = 0;
  virtual void start(const StartEvaluation& order) = 0;
  // Waits until the job has given up. Its result is not reported.
  virtual void cancel() = 0;
  virtual bool busy() const = 0;
  virtual std::vector<TrainingReport> take_reports() = 0;
};

}  // namespace gradmint::session
