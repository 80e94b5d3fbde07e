#include "worker/command_trainer.h"

#include <cstdio>

#include "kernels/base/number_text.h"
#include "ledger/durable_file.h"
#include "ledger/model/safetensors.h"

namespace gradmint {
namespace {

namespace fs = std::filesystem;

constexpr const char* kParametersFile = "parameters.safetensors";

class CommandTrainer : public Trainer {
 public:
  CommandTrainer(OwnProgram program, ModelLayout layout)
      : program_(std::move(program)), layout_(std::move(layout)) {}

  const ModelLayout& layout() const override { return layout_; }
  std::uint64_t example_count() const override { return 0; }
  Result<TrainOutcome> train(std::span<const float> global, const TrainTask& task,
                             const ProgressFn& progress) override;

 private:
  ProgramTask told(const TrainTask& task) const;
  Result<std::vector<float>> read_parameters(const fs::path& dir) const;

  OwnProgram program_;
  ModelLayout layout_;
};

ProgramTask CommandTrainer::told(const TrainTask& task) const {
  char name[32];
  std::snprintf(name, sizeof name, "round-%06llu", static_cast<unsigned long long>(task.round));
  ProgramTask told{name, task.round, task.seed, {}, task.deadline_ms, task.cancelled};
  told.fields = {{"kind", "train"},
                 {"learning_rate", as_written(static_cast<float>(task.learning_rate))},
                 {"momentum", as_written(static_cast<float>(task.momentum))},
                 {"optimizer", optimizer_name(task.optimizer)},
                 {"local_epochs", task.local_epochs},
                 {"local_steps", task.local_steps},
                 {"batch_size", task.batch_size},
                 {"parameters", (program_.rounds_dir / name / kParametersFile).string()}};
  return told;
}

Result<std::vector<float>> CommandTrainer::read_parameters(const fs::path& dir) const {
  // Integer tensors may come along (they are left out), so the cap is loose; it only bounds memory.
  const std::uint64_t cap = layout_.value_count() * 2 * sizeof(float) + kMaxSafetensorsHeaderBytes;
  Result<Bytes> bytes = read_file(dir / kParametersFile, cap);
  if (!bytes) return program_error(program_, ErrorCode::corrupt, dir, bytes.error().message);
  Result<std::vector<float>> values = read_safetensors_as(*bytes, layout_);
  if (!values)
    return program_error(program_, ErrorCode::corrupt, dir,
                         std::string(kParametersFile) + ": " + values.error().message);
  return values;
}

Result<TrainOutcome> CommandTrainer::train(std::span<const float> global, const TrainTask& task,
                                           const ProgressFn& progress) {
  fs::path dir;
  const auto metrics = run_own_program(program_, told(task), layout_, global, progress, dir);
  if (!metrics) return metrics.error();
  auto parameters = read_parameters(dir);
  if (!parameters) return parameters.error();
  TrainOutcome outcome;
  outcome.parameters = *std::move(parameters);
  outcome.examples = metrics->examples;
  outcome.steps = metrics->steps;
  outcome.metrics = metrics->metrics;
  clear_directory(program_, dir);
  return outcome;
}

}  // namespace

Result<std::unique_ptr<Trainer>> make_command_trainer(OwnProgram program, ModelLayout layout) {
  program.role = "trainer";
  if (Status s = complete(program); !s) return s.error();
  return std::unique_ptr<Trainer>(
      std::make_unique<CommandTrainer>(std::move(program), std::move(layout)));
}

}  // namespace gradmint
