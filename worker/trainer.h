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
  double loss = 0;                // mean over the last pass; NaN: not measured
  double accuracy = 0;            // of the last pass, 0..1; regression: 0; NaN: not measured
  std::uint64_t examples = 0;     // distinct samples trained on
  std::uint64_t steps = 0;
};

struct EvaluateOutcome {
  double loss = 0;      // mean cross entropy, or mean squared error
  double accuracy = 0;  // 0..1; for regression max(0, R²)
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

// Losses and accuracies reach the ledger as integers only: round half to even; a loss that is not
// finite, or too large, becomes kMaxLossMicro; an accuracy is clamped to [0, 1000000].
inline constexpr std::uint64_t kMaxLossMicro = 1'000'000'000'000ULL;
std::uint64_t loss_micro(double loss);
std::uint32_t accuracy_ppm(double accuracy);

}  // namespace gradmint
