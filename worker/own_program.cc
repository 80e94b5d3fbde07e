#include "worker/own_program.h"

#include <cstdlib>
#include <deque>
#include <fstream>

#include "kernels/base/printable.h"
#include "ledger/durable_file.h"
#include "ledger/json_input.h"
#include "ledger/json_text.h"
#include "ledger/model/safetensors.h"
#include "worker/child_process.h"

namespace gradmint {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t kMaxMetricsBytes = 1 << 20;
constexpr std::size_t kLinesShown = 3;
constexpr std::uint64_t kMaxOutputBytes = 16 << 20;  // of output.txt

// Where the Python module lies: beside the installed programs, or in the tree they were built in.
std::string python_path() {
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  const char* given = std::getenv("PYTHONPATH");
  const std::string rest = given == nullptr || *given == '\0' ? "" : ":" + std::string(given);
  fs::path up = program.parent_path();
  for (int level = 0; level < 5 && up.has_relative_path(); ++level, up = up.parent_path()) {
    for (const char* place : {"share/gradmint/python", "worker/python"})
      if (fs::exists(up / place / "gradmint/__init__.py", failed))
        return (up / place).string() + rest;
  }
  return rest.empty() ? "" : rest.substr(1);
}

Status prepare(const OwnProgram& program, const ProgramTask& task, const ModelLayout& layout,
               std::span<const float> model, const fs::path& dir) {
  std::error_code failed;
  fs::remove_all(dir, failed);  // of an earlier try
  if (!failed) fs::create_directories(dir, failed);
  if (failed) return Error{ErrorCode::io, dir.string() + ": cannot make: " + failed.message()};
  Json json = task.fields;
  json["format"] = "gradmint/round/v2";
  json["round"] = task.round;
  json["seed"] = task.seed;
  json["deadline_s"] = static_cast<double>(task.deadline_ms) / 1000.0;
  json["global"] = (dir / "global.safetensors").string();
  json["metrics"] = (dir / "metrics.json").string();
  if (!program.contract.empty()) json["contract"] = *parse_untrusted_json(program.contract);
  if (Status s = replace_file(dir / "global.safetensors", write_safetensors(layout, model)); !s)
    return s;
  return replace_file(dir / "round.json", as_bytes(json_text(json, 2) + "\n"));
}

// Keeps what a program prints: in a file, and its last lines for whoever hears of a failure.
class Output {
 public:
  explicit Output(const fs::path& file) : file_(file) {}
  void add(const std::string& line) {
    if (written_ < kMaxOutputBytes) file_ << line << std::endl;
    written_ += line.size() + 1;
    last_.push_back(line);
    if (last_.size() > kLinesShown) last_.pop_front();
  }
  std::string last() const {
    if (last_.empty()) return "; it printed nothing";
    std::string text = last_.size() == 1 ? "; last line: " : "; last lines: ";
    for (std::size_t i = 0; i < last_.size(); ++i) text += (i == 0 ? "" : " | ") + last_[i];
    return text;
  }

 private:
  std::ofstream file_;
  std::uint64_t written_ = 0;
  std::deque<std::string> last_;
};

Status run(const OwnProgram& program, const ProgramTask& task, const ProgressFn& progress,
           const fs::path& dir) {
  ChildTask child;
  child.command = program.command;
  child.directory = program.working_dir;
  child.environment = {"GRADMINT_ROUND_DIR=" + dir.string(),
                       "GRADMINT_ROUND=" + std::to_string(task.round),
                       "GRADMINT_SEED=" + std::to_string(task.seed)};
  if (const std::string path = python_path(); !path.empty())
    child.environment.push_back("PYTHONPATH=" + path);
  child.deadline_ms = task.deadline_ms;
  child.grace_ms = program.terminate_grace_ms;
  child.cancelled = task.cancelled;
  Output output(dir / "output.txt");
  Result<ChildOutcome> outcome = run_child(child, [&](const std::string& line) {
    output.add(line);
    if (progress) progress({0, 0, 0, line});
  });
  if (!outcome) return outcome.error();
  const auto failed = [&](ErrorCode code, const std::string& what) {
    return program_error(program, code, dir, what);
  };
  switch (outcome->end) {
    case ChildEnd::exited:
      if (outcome->code == 0) return {};
      return failed(ErrorCode::io,
                    "exited with status " + std::to_string(outcome->code) + output.last());
    case ChildEnd::signalled:
      return failed(ErrorCode::io,
                    "ended by signal " + std::to_string(outcome->code) + output.last());
    case ChildEnd::overran:
      return failed(ErrorCode::refused, "overran its deadline of " +
                                            std::to_string(task.deadline_ms) + " ms and was ended" +
                                            output.last());
    case ChildEnd::cancelled:
      return failed(ErrorCode::refused, "was cancelled");
  }
  return {};
}

// Empty where all stand; `loss` and `accuracy` may stand outside of `metrics`.
std::string take_all(const Json& json, ProgramMetrics& into) {
  const auto examples = json.find("examples");
  if (examples == json.end() || !examples->is_number_unsigned() ||
      examples->get<std::uint64_t>() == 0)
    return "examples must be a whole number from 1";
  into.examples = examples->get<std::uint64_t>();
  if (const auto steps = json.find("steps"); steps != json.end()) {
    if (!steps->is_number_unsigned()) return "steps must be a whole number";
    into.steps = steps->get<std::uint64_t>();
  }
  for (const char* name : {"loss", "accuracy"}) {
    if (!json.contains(name)) continue;
    if (std::string fault = take_metric(name, json[name], into.metrics); !fault.empty())
      return fault;
  }
  const auto metrics = json.find("metrics");
  return metrics == json.end() ? std::string() : take_metrics(*metrics, into.metrics);
}

Result<ProgramMetrics> read_metrics(const OwnProgram& program, const fs::path& dir) {
  const auto unusable = [&](const std::string& what) {
    return program_error(program, ErrorCode::corrupt, dir, "metrics.json: " + what);
  };
  Result<Bytes> bytes = read_file(dir / "metrics.json", kMaxMetricsBytes);
  if (!bytes) return unusable(bytes.error().message);
  const auto json =
      parse_untrusted_json({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  if (!json) return unusable(json.error().message);
  if (!json->is_object()) return unusable("not a JSON object");
  ProgramMetrics metrics;
  if (const std::string fault = take_all(*json, metrics); !fault.empty()) return unusable(fault);
  return metrics;
}

}  // namespace

Status complete(OwnProgram& program) {
  if (program.command.find_first_not_of(" \t\n") == std::string::npos)
    return Error{ErrorCode::bad_input, "--" + program.role + ": the command is empty"};
  std::error_code failed;
  program.rounds_dir = fs::absolute(program.rounds_dir, failed);
  if (!failed) program.working_dir = fs::absolute(program.working_dir, failed);
  if (failed) return Error{ErrorCode::io, program.rounds_dir.string() + ": " + failed.message()};
  return {};
}

Result<ProgramMetrics> run_own_program(const OwnProgram& program, const ProgramTask& task,
                                       const ModelLayout& layout, std::span<const float> model,
                                       const ProgressFn& progress, fs::path& directory) {
  directory = program.rounds_dir / task.directory;
  if (model.size() != layout.value_count())
    return Error{ErrorCode::bad_input, "the global model has " + std::to_string(model.size()) +
                                           " values, its layout " +
                                           std::to_string(layout.value_count())};
  if (Status s = prepare(program, task, layout, model, directory); !s) return s.error();
  if (Status s = run(program, task, progress, directory); !s) return s.error();
  return read_metrics(program, directory);
}

void clear_directory(const OwnProgram& program, const fs::path& directory) {
  if (program.keep_dirs) return;
  std::error_code ignored;  // a leftover is harmless: the next try removes it
  fs::remove_all(directory, ignored);
}

Error program_error(const OwnProgram& program, ErrorCode code, const fs::path& directory,
                    const std::string& what) {
  return {code, program.role + ": " + what + " (its files are in " + directory.string() + ")"};
}

}  // namespace gradmint
