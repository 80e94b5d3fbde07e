#include "worker/command_evaluator.h"

#include <cmath>

namespace gradmint {
namespace {

class CommandEvaluator : public Evaluator {
 public:
  CommandEvaluator(OwnProgram program, ModelLayout layout, const std::string& objective)
      : program_(std::move(program)),
        layout_(std::move(layout)),
        score_(objective == "regression" ? "r2" : "accuracy") {}

  const ModelLayout& layout() const override { return layout_; }
  Result<EvaluateOutcome> evaluate(std::span<const float> parameters,
                                   const EvaluateTask& task) override;

 private:
  OwnProgram program_;
  ModelLayout layout_;
  std::string score_;
};

Result<EvaluateOutcome> CommandEvaluator::evaluate(std::span<const float> parameters,
                                                   const EvaluateTask& task) {
  const ProgramTask told{"evaluation",           task.round,       0,
                         {{"kind", "evaluate"}}, task.deadline_ms, task.cancelled};
  std::filesystem::path dir;
  const auto metrics = run_own_program(program_, told, layout_, parameters, nullptr, dir);
  if (!metrics) return metrics.error();
  for (const std::string& name : {std::string("loss"), score_}) {
    if (!std::isnan(metrics->value(name))) continue;
    return program_error(program_, ErrorCode::corrupt, dir,
                         "metrics.json: " + name + " was not measured, and the ledger takes it");
  }
  EvaluateOutcome outcome;
  outcome.loss = metrics->value("loss");
  outcome.accuracy = metrics->value(score_);
  outcome.examples = metrics->examples;
  clear_directory(program_, dir);
  return outcome;
}

}  // namespace

Result<std::unique_ptr<Evaluator>> make_command_evaluator(OwnProgram program, ModelLayout layout,
                                                          const std::string& objective) {
  program.role = "evaluator";
  if (Status s = complete(program); !s) return s.error();
  return std::unique_ptr<Evaluator>(
      std::make_unique<CommandEvaluator>(std::move(program), std::move(layout), objective));
}

}  // namespace gradmint
