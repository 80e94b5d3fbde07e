#include "worker/cli/preflight_programs.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "ledger/metric_text.h"
#include "worker/cli/model_file.h"
#include "worker/command_evaluator.h"
#include "worker/command_trainer.h"

namespace gradmint {
namespace {

using Clock = std::chrono::steady_clock;

std::filesystem::path scratch() {
  return std::filesystem::temp_directory_path() /
         ("gradmint-preflight-" + std::to_string(::getpid()));
}

OwnProgram program_of(const std::string& command, const std::string& role, const TaskSpec* task,
                      const ModelFile& file) {
  OwnProgram program;
  program.command = command;
  program.rounds_dir = scratch() / role;
  if (task != nullptr) {
    program.contract = task->contract;
  } else if (file.contract) {
    program.contract = file.contract->encode();
  }
  return program;
}

std::string seconds_since(Clock::time_point begin) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s",
                std::chrono::duration<double>(Clock::now() - begin).count());
  return text;
}

std::string told(const char* what, const MeasuredMetrics& metrics, std::uint64_t examples,
                 Clock::time_point begin) {
  const std::string line = metrics_line(ledger_metrics(metrics));
  return std::string(what) + " in " + seconds_since(begin) + ": " + line +
         (line.empty() ? "" : ", ") + std::to_string(examples) + " examples";
}

CheckLine try_trainer(OwnProgram program, const ModelFile& file) {
  auto trainer = make_command_trainer(std::move(program), file.model.layout);
  if (!trainer) return {"trainer", false, trainer.error().message};
  TrainTask task;
  task.round = 1;
  const auto begin = Clock::now();
  const auto outcome = (*trainer)->train(file.model.parameters, task, nullptr);
  if (!outcome) return {"trainer", false, outcome.error().message};
  if (outcome->parameters == file.model.parameters)
    return {"trainer", true,
            told("ran", outcome->metrics, outcome->examples, begin) +
                "; it left the parameters as they were",
            CheckWord::warning};
  return {"trainer", true, told("trained", outcome->metrics, outcome->examples, begin)};
}

CheckLine try_evaluator(OwnProgram program, const ModelFile& file) {
  auto evaluator = make_command_evaluator(std::move(program), file.model.layout);
  if (!evaluator) return {"evaluator", false, evaluator.error().message};
  const auto begin = Clock::now();
  const auto outcome = (*evaluator)->evaluate(file.model.parameters, {1, 0, nullptr});
  if (!outcome) return {"evaluator", false, outcome.error().message};
  return {"evaluator", true, told("judged", outcome->metrics, outcome->examples, begin)};
}

std::vector<CheckLine> not_tried(const PreflightPrograms& programs, const std::string& why) {
  std::vector<CheckLine> lines;
  if (!programs.trainer.empty()) lines.push_back({"trainer", true, why, CheckWord::skipped});
  if (!programs.evaluator.empty()) lines.push_back({"evaluator", true, why, CheckWord::skipped});
  return lines;
}

}  // namespace

std::vector<CheckLine> check_programs(const PreflightPrograms& programs, const TaskSpec* task) {
  if (!programs.any()) return {};
  if (programs.initial.empty())
    return not_tried(programs, "give --initial FILE.safetensors, a model to try it on");
  const auto file = read_model_file(programs.initial);
  if (!file) return {{"initial", false, file.error().message}};
  // Which tensors are buffers may be the operator's word (task.buffers), so the sum counts.
  const ModelSize& size = file->model.layout.size();
  if (task != nullptr && size.values() != task->size.values())
    return {{"initial", false,
             programs.initial + " has " + describe(size) + ", this federation's model " +
                 describe(task->size) + ": give the operator's file"}};
  std::vector<CheckLine> lines;
  if (!programs.trainer.empty())
    lines.push_back(try_trainer(program_of(programs.trainer, "trainer", task, *file), *file));
  if (!programs.evaluator.empty())
    lines.push_back(try_evaluator(program_of(programs.evaluator, "evaluator", task, *file), *file));
  // What a program that failed has left is named in its line, and stays.
  std::error_code ignored;
  if (std::all_of(lines.begin(), lines.end(), [](const CheckLine& line) { return line.passed; }))
    std::filesystem::remove_all(scratch(), ignored);
  return lines;
}

}  // namespace gradmint
