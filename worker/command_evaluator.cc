#include "worker/command_evaluator.h"

#include <algorithm>

namespace gradmint {
namespace {

class CommandEvaluator : public Evaluator {
 public:
  CommandEvaluator(OwnProgram program, ModelLayout layout)
      : program_(std::move(program)), layout_(std::move(layout)) {}

  const ModelLayout& layout() const override { return layout_; }
  Result<EvaluateOutcome> evaluate(std::span<const float> parameters,
                                   const EvaluateTask& task) override;

 private:
  OwnProgram program_;
  ModelLayout layout_;
};

Result<EvaluateOutcome> CommandEvaluator::evaluate(std::span<const float> parameters,
                                                   const EvaluateTask& task) {
  const ProgramTask told{"evaluation",           task.round,       0,
                         {{"kind", "evaluate"}}, task.deadline_ms, task.cancelled};
  std::filesystem::path dir;
  const auto metrics = run_own_program(program_, told, layout_, parameters, nullptr, dir);
  if (!metrics) return metrics.error();
  const auto is_measured = [](const auto& metric) { return metric.second.has_value(); };
  if (std::none_of(metrics->metrics.begin(), metrics->metrics.end(), is_measured))
    return program_error(program_, ErrorCode::corrupt, dir,
                         "metrics.json: it measured nothing, so it judges nothing");
  EvaluateOutcome outcome;
  outcome.metrics = metrics->metrics;
  outcome.examples = metrics->examples;
  clear_directory(program_, dir);
  return outcome;
}

}  // namespace

Result<std::unique_ptr<Evaluator>> make_command_evaluator(OwnProgram program, ModelLayout layout) {
  program.role = "evaluator";
  if (Status s = complete(program); !s) return s.error();
  return std::unique_ptr<Evaluator>(
      std::make_unique<CommandEvaluator>(std::move(program), std::move(layout)));
}

}  // namespace gradmint
