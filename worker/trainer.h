// What the session needs from anything that trains or evaluates: built-in models through libtorch,
// or the user's own program. No torch header is reachable from here.
// An instance is used by one thread at a time; `cancelled` may be set from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "kernels/base/result.h"
#include "ledger/model/layout.h"
#include "ledger/model/measured.h"

namespace gradmint {

enum class OptimizerKind { sgd, adam };
Result<OptimizerKind> parse_optimizer(const std::string& name);
std::string optimizer_name(OptimizerKind kind);

// One round's work. Defaults are those of the demo (docs/training.md has the measurements).
struct TrainTask {
  std::uint64_t round = 0;
  std::uint64_t seed = 0;          // order of the samples; the same seed gives the same update
  std::uint32_t local_epochs = 1;  // used when local_steps is 0
  std::uint32_t local_steps = 0;   // batches; the data are gone over again as often as needed
  std::uint32_t batch_size = 8;
  double learning_rate = 0.001;
  double momentum = 0.0;  // SGD only
  OptimizerKind optimizer = OptimizerKind::adam;
  std::uint64_t deadline_ms = 0;                 // time this call may take; 0: no limit
  const std::atomic<bool>* cancelled = nullptr;  // true: give up at the next step
};

struct TrainProgress {
  std::uint64_t step = 0;
  std::uint64_t steps_total = 0;  // 0: not known (a user's program)
  double loss = 0;                // of the last batch
  std::string message;            // a line of the user's program, printable; else empty
};
using ProgressFn = std::function<void(const TrainProgress&)>;

struct TrainOutcome {
  std::vector<float> parameters;  // in layout order, all finite
  MeasuredMetrics metrics;        // built in: loss and accuracy of the last pass; regression: loss
  std::uint64_t examples = 0;     // distinct samples trained on
  std::uint64_t steps = 0;
};

struct EvaluateOutcome {
  // Built in: "loss", the mean cross entropy, and "accuracy"; or "loss", the mean squared error of
  // scaled targets, and "r2".
  MeasuredMetrics metrics;
  std::uint64_t examples = 0;
};

// What an evaluation is told. A built-in one needs nothing of it.
struct EvaluateTask {
  std::uint64_t round = 0;
  std::uint64_t deadline_ms = 0;                 // time this call may take; 0: no limit
  const std::atomic<bool>* cancelled = nullptr;  // true: give up
};

class Trainer {
 public:
  virtual ~Trainer() = default;
  virtual const ModelLayout& layout() const = 0;
  virtual std::uint64_t example_count() const = 0;  // 0: not known before training
  // Trains from `global` (layout().value_count() values). Errors: bad_input (wrong size),
  // refused (deadline or cancelled), io (the user's program failed), corrupt (its output is
  // unusable or the training diverged to values that are not finite).
  virtual Result<TrainOutcome> train(std::span<const float> global, const TrainTask& task,
                                     const ProgressFn& progress) = 0;
};

class Evaluator {
 public:
  virtual ~Evaluator() = default;
  virtual const ModelLayout& layout() const = 0;
  virtual Result<EvaluateOutcome> evaluate(std::span<const float> parameters,
                                           const EvaluateTask& task) = 0;
};

}  // namespace gradmint
