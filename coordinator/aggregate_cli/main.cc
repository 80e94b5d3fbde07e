// gradmint-aggregate: combines checkpoints or updates from files, without a federation.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/aggregate_cli/run.h"
#include "coordinator/aggregate_cli/version.h"
#include "coordinator/config/parse_fault.h"
#include "coordinator/rules/rule_options.h"
#include "kernels/cpu_level.h"
#include "kernels/parallel.h"
#include "ledger/json_text.h"
#include "ledger/output/error_line.h"
#ifdef GRADMINT_WITH_CUDA
#include "kernels/cuda_backend.h"
#endif

namespace gradmint {
namespace {

constexpr const char* kProgram = "gradmint-aggregate";
constexpr int kExitOk = 0;
constexpr int kExitUnusable = 2;

constexpr const char* kExamples =
    "Files are ordered by their contents, so the order of arguments does not matter; weights and\n"
    "staleness follow their files. The same inputs give the same bytes on every machine.\n"
    "Examples:\n"
    "  gradmint aggregate a.safetensors b.safetensors c.safetensors --weights 3,1,2 -o "
    "mean.safetensors\n"
    "  gradmint aggregate --aggregator median update-*.safetensors -o median.safetensors\n"
    "  gradmint aggregate --optimizer nesterov --lr 0.5 --model global.safetensors\n"
    "    --state-out state.safetensors update-*.safetensors -o next.safetensors";

struct Words {
  RuleWords rules{{}, "mean", "plain", {}};
  std::string format = "table", log_level = "warn", integers = "max", discount;
  std::optional<std::string> weights, staleness;  // "" is not the same as not given
};

int tell(const std::string& message) {
  std::string line = message;
  std::replace(line.begin(), line.end(), '\n', ' ');  // CLI11's faults have more than one
  write_error_line(kProgram, line);
  return kExitUnusable;
}

// One live line on a terminal, nothing elsewhere.
class Progress {
 public:
  explicit Progress(bool live) : live_(live) {}
  ~Progress() { clear(); }
  void on(const char* doing, double done) {
    if (!live_) return;
    char line[64];
    std::snprintf(line, sizeof line, "%s %.0f %%", doing, 100.0 * done);
    if (shown_ == line) return;
    shown_ = line;
    std::fprintf(stderr, "\r\x1b[K%s", line);
  }
  void clear() {
    if (!shown_.empty()) std::fputs("\r\x1b[K", stderr);
    shown_.clear();
  }

 private:
  bool live_;
  std::string shown_;
};

// An empty name is a variable that was not set, not a wish.
const CLI::Validator kNamesAFile(
    [](std::string& name) { return std::string(name.empty() ? "names no file" : ""); }, "");

void add_files(CLI::App& app, AggregateCommand& command, Words& words) {
  const auto add_file = [&](const char* name, std::filesystem::path& file, const char* meaning) {
    return app.add_option(name, file, meaning)->type_name("FILE")->check(kNamesAFile);
  };
  app.add_option("inputs", command.inputs,
                 "Checkpoints or updates with the same tensors (F32, BF16, F16)")
      ->type_name("IN.safetensors");
  add_file("-o,--output", command.output, "Where the result goes, in F32")
      ->required()
      ->type_name("OUT.safetensors");
  app.add_option_function<std::string>(
         "--weights", [&words](const std::string& text) { words.weights = text; },
         "Whole numbers, one for each file (default: 1)")
      ->type_name("W,W,...");
  app.add_option_function<std::string>(
         "--staleness", [&words](const std::string& text) { words.staleness = text; },
         "How many rounds late each file is: its weight is discounted")
      ->type_name("S,S,...");
  app.add_option("--discount", words.discount,
                 "With --staleness S: weight / sqrt(1+S) (square_root, the default) or weight / "
                 "(1+S) (reciprocal)")
      ->check(CLI::IsMember({"square_root", "reciprocal"}))
      ->needs("--staleness");
  app.add_option("--buffers", command.buffers,
                 "Tensors that are buffers besides running_mean and running_var ('*' stands for "
                 "any text): averaged (the median of each value under a robust rule), and part of "
                 "no norm or distance")
      ->type_name("PATTERN")
      ->allow_extra_args(false);
  app.add_option("--integers", words.integers,
                 "Integer tensors, which are not averaged: max (each element the largest of all), "
                 "first (of the model, or the file given first) or drop")
      ->check(CLI::IsMember({"max", "first", "drop"}))
      ->capture_default_str();
  add_file("--model", command.model,
           "The model that the inputs are updates of; the result is the next model");
  add_file("--centre", command.centre, "Where centered_clipping starts (default: zeros)");
  add_file("--state", command.state, "The optimizer's state so far (default: zeros)");
  add_file("--state-out", command.state_out, "Where the optimizer's new state goes");
}

// "3,1,2"; nothing where it was not given.
Result<std::vector<std::uint64_t>> whole_numbers(const std::string& option,
                                                 const std::optional<std::string>& given) {
  std::vector<std::uint64_t> numbers;
  if (!given) return numbers;
  const std::string& text = *given;
  if (text.empty()) {
    return Error{ErrorCode::bad_input,
                 option + " '': must be whole numbers with commas between them, one for each file"};
  }
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    std::uint64_t number = 0;
    const auto read = std::from_chars(text.data() + at, text.data() + comma, number);
    if (read.ec != std::errc{} || read.ptr != text.data() + comma || comma + 1 == text.size()) {
      return Error{ErrorCode::bad_input,
                   option + " '" + text + "': must be whole numbers with commas between them"};
    }
    numbers.push_back(number);
    at = comma + 1;
  }
  return numbers;
}

int run(AggregateCommand& command, const Words& words) {
  auto spec = read_rules(words.rules);
  if (!spec.ok()) return tell(spec.error().message);
  command.spec = *std::move(spec);
  command.integers = parse_integer_rule(words.integers).value();  // CLI11 has checked it
  auto weights = whole_numbers("--weights", words.weights);
  if (!weights.ok()) return tell(weights.error().message);
  command.weights = *std::move(weights);
  auto staleness = whole_numbers("--staleness", words.staleness);
  if (!staleness.ok()) return tell(staleness.error().message);
  command.staleness = *std::move(staleness);
  if (const auto discount = kernels::staleness_discount(words.discount)) {
    command.discount = *discount;
  }
  if (command.backend == "cuda") command.backend = "cuda:0";
  Progress progress(::isatty(STDERR_FILENO) == 1);
  const auto report =
      run_aggregate(command, [&](const char* doing, double done) { progress.on(doing, done); });
  progress.clear();
  if (!report.ok()) return tell(report.error().message);
  for (const std::string& warning : report->warnings) {
    write_error_line(kProgram, "warning: " + warning);
  }
  if (words.log_level == "trace" || words.log_level == "debug" || words.log_level == "info") {
    for (const std::string& note : report->notes) {
      write_error_line(kProgram, "note: " + note);
    }
  }
  if (words.format == "json") {
    std::printf("%s\n", json_text(report_json(*report)).c_str());
  } else {
    std::fputs(report_table(*report).c_str(), stdout);
  }
  if (std::fflush(stdout) != 0) {
    return tell("'" + command.output.string() +
                "' is written, but this report is not: standard output takes no more");
  }
  return kExitOk;
}

int parse_and_run(int argc, char** argv) {
  AggregateCommand command;
  Words words;
  command.threads = kernels::all_cores();
  CLI::App app{"Combines checkpoints or updates from files, exactly", "gradmint-aggregate"};
  app.footer(kExamples);
  app.set_version_flag("--version", aggregate_version_text, "Print revision, backends, libraries");
  add_files(app, command, words);
  add_rule_options(app, words.rules);
  app.add_option("--backend", command.backend, "auto, cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--threads", command.threads, "Threads on the CPU (default: all cores)")
      ->check(CLI::Range(1, 4096));
  app.add_option("--format", words.format, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  app.add_option("--log-level", words.log_level, "info and below tell how files were read")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {  // --help, --version
    app.exit(done);
    return kExitOk;
  } catch (const CLI::ParseError& fault) {
    return tell(parse_fault_text(app, fault) + "; see gradmint-aggregate --help");
  }
  command.optimizer_was_named = app.count("--optimizer") > 0;
  return run(command, words);
}

}  // namespace
}  // namespace gradmint

int main(int argc, char** argv) {
#ifdef GRADMINT_WITH_CUDA
  gradmint::kernels::register_cuda_backend();
#endif
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error that says so
  try {
    return gradmint::finish_output(gradmint::kProgram, gradmint::parse_and_run(argc, argv));
  } catch (const std::bad_alloc&) {
    return gradmint::tell("out of memory: combine fewer values at once or free some memory");
  } catch (const std::exception& fault) {
    return gradmint::tell(fault.what());
  }
}
