#include "worker/command_trainer.h"

#include <cmath>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>

#include "ledger/durable_file.h"
#include "ledger/json_input.h"
#include "ledger/json_text.h"
#include "ledger/model/safetensors.h"
#include "worker/child_process.h"

namespace gradmint {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxMetricsBytes = 1 << 20;
constexpr const char* kGlobalFile = "global.safetensors";
constexpr const char* kRoundFile = "round.json";
constexpr const char* kParametersFile = "parameters.safetensors";
constexpr const char* kMetricsFile = "metrics.json";

std::string round_json(const TrainTask& task, const fs::path& dir, const std::string& contract) {
  nlohmann::json json = {{"format", "gradmint/round/v1"},
                         {"round", task.round},
                         {"seed", task.seed},
                         {"learning_rate", task.learning_rate},
                         {"momentum", task.momentum},
                         {"optimizer", optimizer_name(task.optimizer)},
                         {"local_epochs", task.local_epochs},
                         {"local_steps", task.local_steps},
                         {"batch_size", task.batch_size},
                         {"deadline_s", static_cast<double>(task.deadline_ms) / 1000.0},
                         {"global", (dir / kGlobalFile).string()},
                         {"parameters", (dir / kParametersFile).string()},
                         {"metrics", (dir / kMetricsFile).string()}};
  if (!contract.empty()) json["contract"] = *parse_untrusted_json(contract);
  return json_text(json, 2) + "\n";
}

class CommandTrainer : public Trainer {
 public:
  CommandTrainer(CommandTrainerOptions options, ModelLayout layout)
      : options_(std::move(options)), layout_(std::move(layout)) {}

  const ModelLayout& layout() const override { return layout_; }
  std::uint64_t example_count() const override { return 0; }
  Result<TrainOutcome> train(std::span<const float> global, const TrainTask& task,
                             const ProgressFn& progress) override;

 private:
  Status prepare(const fs::path& dir, std::span<const float> global, const TrainTask& task) const;
  Status run(const fs::path& dir, const TrainTask& task, const ProgressFn& progress) const;
  Result<TrainOutcome> collect(const fs::path& dir) const;
  Status read_metrics(const fs::path& file, TrainOutcome& outcome) const;

  CommandTrainerOptions options_;
  ModelLayout layout_;
};

Error trainer_error(ErrorCode code, const fs::path& dir, const std::string& what) {
  return {code, "trainer: " + what + " (its files are in " + dir.string() + ")"};
}

Status CommandTrainer::prepare(const fs::path& dir, std::span<const float> global,
                               const TrainTask& task) const {
  std::error_code failed;
  fs::remove_all(dir, failed);  // of an earlier try at this round
  if (!failed) fs::create_directories(dir, failed);
  if (failed) return Error{ErrorCode::io, dir.string() + ": cannot make: " + failed.message()};
  const Bytes model = write_safetensors(layout_, global);
  if (Status status = replace_file(dir / kGlobalFile, model); !status) return status;
  return replace_file(dir / kRoundFile, as_bytes(round_json(task, dir, options_.contract)));
}

Status CommandTrainer::run(const fs::path& dir, const TrainTask& task,
                           const ProgressFn& progress) const {
  ChildTask child;
  child.command = options_.command;
  child.directory = options_.working_dir;
  child.environment = {"GRADMINT_ROUND_DIR=" + dir.string(),
                       "GRADMINT_ROUND=" + std::to_string(task.round),
                       "GRADMINT_SEED=" + std::to_string(task.seed)};
  child.deadline_ms = task.deadline_ms;
  child.grace_ms = options_.terminate_grace_ms;
  child.cancelled = task.cancelled;
  const auto on_line = [&](const std::string& line) {
    if (progress) progress({0, 0, 0, line});
  };
  Result<ChildOutcome> outcome = run_child(child, on_line);
  if (!outcome) return outcome.error();
  const std::string last =
      outcome->last_line.empty() ? "; it printed nothing" : "; last line: " + outcome->last_line;
  switch (outcome->end) {
    case ChildEnd::exited:
      if (outcome->code == 0) return {};
      return trainer_error(ErrorCode::io, dir,
                           "exited with status " + std::to_string(outcome->code) + last);
    case ChildEnd::signalled:
      return trainer_error(ErrorCode::io, dir,
                           "ended by signal " + std::to_string(outcome->code) + last);
    case ChildEnd::overran:
      return trainer_error(ErrorCode::refused, dir,
                           "overran its deadline of " + std::to_string(task.deadline_ms) +
                               " ms and was ended" + last);
    case ChildEnd::cancelled:
      return trainer_error(ErrorCode::refused, dir, "was cancelled");
  }
  return {};
}

Status CommandTrainer::read_metrics(const fs::path& file, TrainOutcome& outcome) const {
  const auto unusable = [&](const std::string& what) {
    return trainer_error(ErrorCode::corrupt, file.parent_path(), "metrics.json: " + what);
  };
  Result<Bytes> bytes = read_file(file, kMaxMetricsBytes);
  if (!bytes) return unusable(bytes.error().message);
  const auto json =
      parse_untrusted_json({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  if (!json) return unusable(json.error().message);
  if (!json->is_object()) return unusable("not a JSON object");
  const auto examples = json->find("examples");
  if (examples == json->end() || !examples->is_number_unsigned() ||
      examples->get<std::uint64_t>() == 0)
    return unusable("examples must be a whole number from 1");
  const auto loss = json->find("loss");
  const bool is_measured = loss != json->end() && !loss->is_null();
  if (loss == json->end() ||
      (is_measured && (!loss->is_number() || !std::isfinite(loss->get<double>()))))
    return unusable("loss must be a finite number, or null where it was not measured");
  outcome.examples = examples->get<std::uint64_t>();
  outcome.loss = is_measured ? loss->get<double>() : std::numeric_limits<double>::quiet_NaN();
  if (const auto accuracy = json->find("accuracy"); accuracy != json->end()) {
    if (!accuracy->is_number() || !(accuracy->get<double>() >= 0 && accuracy->get<double>() <= 1))
      return unusable("accuracy must be a number from 0 to 1");
    outcome.accuracy = accuracy->get<double>();
  }
  if (const auto steps = json->find("steps"); steps != json->end()) {
    if (!steps->is_number_unsigned()) return unusable("steps must be a whole number");
    outcome.steps = steps->get<std::uint64_t>();
  }
  return {};
}

Result<TrainOutcome> CommandTrainer::collect(const fs::path& dir) const {
  // Integer tensors may come along (they are left out), so the cap is loose; it only bounds memory.
  const std::uint64_t cap = layout_.value_count() * 2 * sizeof(float) + kMaxSafetensorsHeaderBytes;
  Result<Bytes> bytes = read_file(dir / kParametersFile, cap);
  if (!bytes) return trainer_error(ErrorCode::corrupt, dir, bytes.error().message);
  Result<std::vector<float>> values = read_safetensors_as(*bytes, layout_);
  if (!values)
    return trainer_error(ErrorCode::corrupt, dir,
                         std::string(kParametersFile) + ": " + values.error().message);
  TrainOutcome outcome;
  outcome.parameters = *std::move(values);
  if (Status status = read_metrics(dir / kMetricsFile, outcome); !status) return status.error();
  return outcome;
}

Result<TrainOutcome> CommandTrainer::train(std::span<const float> global, const TrainTask& task,
                                           const ProgressFn& progress) {
  if (global.size() != layout_.value_count())
    return Error{ErrorCode::bad_input, "the global model has " + std::to_string(global.size()) +
                                           " values, its layout " +
                                           std::to_string(layout_.value_count())};
  char name[32];
  std::snprintf(name, sizeof name, "round-%06llu", static_cast<unsigned long long>(task.round));
  const fs::path dir = options_.rounds_dir / name;
  if (Status status = prepare(dir, global, task); !status) return status.error();
  if (Status status = run(dir, task, progress); !status) return status.error();
  Result<TrainOutcome> outcome = collect(dir);
  if (outcome && !options_.keep_round_dirs) {
    std::error_code ignored;  // a leftover is harmless: the next try at this round removes it
    fs::remove_all(dir, ignored);
  }
  return outcome;
}

}  // namespace

Result<std::unique_ptr<Trainer>> make_command_trainer(CommandTrainerOptions options,
                                                      ModelLayout layout) {
  if (options.command.find_first_not_of(" \t\n") == std::string::npos)
    return Error{ErrorCode::bad_input, "--trainer: the command is empty"};
  std::error_code failed;
  options.rounds_dir = fs::absolute(options.rounds_dir, failed);
  if (!failed) options.working_dir = fs::absolute(options.working_dir, failed);
  if (failed) return Error{ErrorCode::io, options.rounds_dir.string() + ": " + failed.message()};
  return std::unique_ptr<Trainer>(
      std::make_unique<CommandTrainer>(std::move(options), std::move(layout)));
}

}  // namespace gradmint
