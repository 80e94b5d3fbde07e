// gradmint-worker evaluate: once for a file, or --serve as the coordinator's child, so that nothing
// libtorch does can take the coordinator down.
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "ledger/durable_file.h"
#include "ledger/json_input.h"
#include "ledger/json_text.h"
#include "ledger/model/safetensors.h"
#include "ledger/output/error_line.h"
#include "worker/cli/commands.h"
#include "worker/cli/model_arguments.h"
#include "worker/cli/model_file.h"
#include "worker/command_evaluator.h"

namespace gradmint {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxRequestBytes = 1 << 20;
constexpr double kMaxDeadlineSeconds = 1e9;

struct EvaluateArguments {
  DataArguments data;
  ModelArguments model;
  std::string parameters;
  std::string contract;         // a file
  bool model_is_given = false;  // on the command line
  bool serve = false;
  std::string evaluator, layout, work_dir;
  std::string config;
};

// FILE.safetensors, or the flat vector as the ledger keeps it.
Result<std::vector<float>> read_parameters(const std::string& file, const ModelLayout& layout) {
  const std::uint64_t values_bytes = layout.value_count() * sizeof(float);
  const bool named = std::filesystem::path(file).extension() == ".safetensors";
  Result<Bytes> bytes =
      read_file(file, named ? 2 * values_bytes + kMaxSafetensorsHeaderBytes : values_bytes);
  if (!bytes) return bytes.error();
  Result<std::vector<float>> values =
      named ? read_safetensors_as(*bytes, layout) : decode_flat_fp32(*bytes);
  if (!values) return Error{values.error().code, file + ": " + values.error().message};
  if (values->size() != layout.value_count())
    return Error{ErrorCode::bad_input, file + ": " + std::to_string(values->size()) +
                                           " values, this model has " +
                                           std::to_string(layout.value_count())};
  return values;
}

struct Judge {
  std::unique_ptr<Evaluator> evaluator;
  // Of a built-in evaluator: it says in which unit errors are.
  std::optional<DataContract> contract = {};
};

// A program of the user's must not outlive this one: a signal ends it first.
std::atomic<bool> judging{false}, told_to_end{false};
void on_signal(int number) {
  if (!judging) ::_exit(128 + number);
  told_to_end = true;
}

struct Question {
  std::string file;
  std::uint64_t round = 0;
  std::uint64_t deadline_ms = 0;  // 0: none
};

Result<EvaluateOutcome> judge_values(const Judge& judge, std::span<const float> values,
                                     const Question& question) {
  judging = true;
  auto outcome =
      judge.evaluator->evaluate(values, {question.round, question.deadline_ms, &told_to_end});
  judging = false;
  return outcome;
}

Result<Json> evaluate_file(const Judge& judge, const Question& question) {
  const std::string& file = question.file;
  Result<std::vector<float>> values = read_parameters(file, judge.evaluator->layout());
  if (!values) return values.error();
  Result<EvaluateOutcome> outcome = judge_values(judge, *values, question);
  if (!outcome) return outcome.error();
  Json result{{"examples", outcome->examples}, {"metrics", metrics_object(outcome->metrics)}};
  const auto loss = outcome->metrics.find("loss");
  if (judge.contract && loss != outcome->metrics.end() && loss->second) {
    if (const auto error = own_unit_error(*judge.contract, *loss->second)) {
      result["rmse"] = std::isfinite(*error) ? Json(*error) : Json();
      result["rmse_of"] = judge.contract->label;
    }
  }
  return result;
}

Json answer(const Judge& judge, const std::string& line) {
  const auto refuse = [](Json id, const std::string& what) {
    return Json{{"id", std::move(id)}, {"error", what}};
  };
  if (line.size() > kMaxRequestBytes) return refuse(nullptr, "the request is larger than 1 MiB");
  const Result<Json> request = parse_untrusted_json(line);
  if (!request || !request->is_object())
    return refuse(nullptr, "the request is not a JSON object on one line");
  const auto id = request->find("id");
  if (id == request->end() || !id->is_number_unsigned())
    return refuse(nullptr, "the request has no id");
  const auto file = request->find("parameters");
  if (file == request->end() || !file->is_string())
    return refuse(*id, "the request names no parameters");
  Question question{file->get<std::string>(), id->get<std::uint64_t>()};
  if (const auto deadline = request->find("deadline_s"); deadline != request->end()) {
    if (!deadline->is_number() || !(deadline->get<double>() > 0) ||
        deadline->get<double>() > kMaxDeadlineSeconds)
      return refuse(*id, "deadline_s must be a number of seconds above 0");
    question.deadline_ms = static_cast<std::uint64_t>(std::ceil(deadline->get<double>() * 1000));
  }
  Result<Json> result = evaluate_file(judge, question);
  if (!result) return refuse(*id, result.error().message);
  (*result)["id"] = *id;
  return *std::move(result);
}

// One answer a request, in order; ends when stdin does.
int serve(const Judge& judge) {
  for (std::string line; std::getline(std::cin, line);) {
    spdlog::debug("request {}", line.substr(0, 200));
    std::cout << json_text(answer(judge, line)) << std::endl;
    if (!std::cout || told_to_end) return kExitFailed;  // nobody listens any more
  }
  return kExitOk;
}

// The model's own contract and kind, where its file names them.
Status use_model_file(EvaluateArguments& arguments) {
  const auto file = read_model_file(arguments.parameters);
  if (!file) return file.error();
  if (!arguments.model_is_given && arguments.evaluator.empty() &&
      file->model.metadata.contains(kModelMetadataKey)) {
    auto model = model_of(*file, arguments.parameters, arguments.model);
    if (!model) return model.error();
    arguments.model = *std::move(model);
  }
  if (!file->contract) {
    if (!arguments.data.contract && arguments.evaluator.empty())
      write_error_line("gradmint-worker", arguments.parameters +
                                              " has no data contract: the rows are scaled by their "
                                              "own file");
    return {};
  }
  if (arguments.data.contract) {
    if (*arguments.data.contract == *file->contract) return {};
    return Error{ErrorCode::bad_input, arguments.parameters + " has another data contract than " +
                                           arguments.contract + ": leave that out"};
  }
  return use_contract(arguments.data, *file->contract);
}

Status settle(EvaluateArguments& arguments) {
  if (arguments.serve == !arguments.parameters.empty())
    return Error{ErrorCode::bad_input, "evaluate: give --parameters FILE or --serve"};
  for (const auto& [name, text] : {std::pair("GRADMINT_CONTRACT", &arguments.contract),
                                   std::pair("GRADMINT_EVALUATOR", &arguments.evaluator),
                                   std::pair("GRADMINT_LAYOUT", &arguments.layout),
                                   std::pair("GRADMINT_WORK_DIR", &arguments.work_dir)}) {
    const char* given = std::getenv(name);
    if (text->empty() && given != nullptr) *text = given;
  }
  if (!arguments.contract.empty()) {
    auto contract = read_contract_file(arguments.contract);
    if (!contract) return contract.error();
    if (Status fits = use_contract(arguments.data, *std::move(contract)); !fits) return fits;
  }
  if (std::filesystem::path(arguments.parameters).extension() != ".safetensors") return {};
  return use_model_file(arguments);
}

// The layout of the model to be judged: of a file of its own, or in the safetensors file.
Result<ModelLayout> layout_of_model(const EvaluateArguments& arguments) {
  if (!arguments.layout.empty()) {
    const auto bytes = read_file(arguments.layout, kMaxLayoutBytes);
    if (!bytes) return bytes.error();
    return ModelLayout::decode({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  }
  if (std::filesystem::path(arguments.parameters).extension() == ".safetensors") {
    const auto file = read_model_file(arguments.parameters);
    if (!file) return file.error();
    return file->model.layout;
  }
  return Error{ErrorCode::bad_input,
               "evaluate: --evaluator needs --parameters FILE.safetensors, or --layout FILE beside "
               "a flat vector"};
}

// By a program of the user's. Its contract is as a worker's with --evaluator.
Result<Judge> judge_by_program(const EvaluateArguments& arguments) {
  auto layout = layout_of_model(arguments);
  if (!layout) return layout.error();
  OwnProgram program;
  program.command = arguments.evaluator;
  program.rounds_dir = arguments.work_dir.empty()
                           ? std::filesystem::temp_directory_path() /
                                 ("gradmint-evaluate-" + std::to_string(::getpid()))
                           : std::filesystem::path(arguments.work_dir);
  if (arguments.data.contract) program.contract = arguments.data.contract->encode();
  program.terminate_grace_ms = 2000;  // whoever asks waits four
  auto evaluator = make_command_evaluator(std::move(program), *std::move(layout));
  if (!evaluator) return evaluator.error();
  return Judge{*std::move(evaluator)};
}

Result<Judge> judge_built_in(const EvaluateArguments& arguments) {
  if (arguments.data.data.empty())
    return Error{ErrorCode::bad_input, "evaluate: give --data, or --evaluator 'COMMAND'"};
  Result<ModelOptions> model = model_options(arguments.model);
  if (!model) return model.error();
  if (arguments.data.contract) {
    if (Status there = has_scaler(*arguments.data.contract, "evaluate"); !there)
      return there.error();
  }
  Result<Dataset> holdout = load_holdout(arguments.data);
  if (!holdout) return holdout.error();
  for (const std::string& remark : holdout->remarks) spdlog::info("{}", remark);
  spdlog::info("{}: {} samples held out", holdout->name, holdout->rows());
  auto evaluator = make_torch_evaluator(*model, device_options(arguments.model), *holdout);
  if (!evaluator) return evaluator.error();
  return Judge{*std::move(evaluator), holdout->contract};
}

int run(EvaluateArguments arguments) {
  if (Status settled = settle(arguments); !settled) return report(settled.error());
  auto judge =
      arguments.evaluator.empty() ? judge_built_in(arguments) : judge_by_program(arguments);
  if (!judge) return report(judge.error());
  if (!arguments.evaluator.empty())
    for (const int number : {SIGTERM, SIGINT}) std::signal(number, on_signal);
  if (arguments.serve) return serve(*judge);
  Result<Json> result = evaluate_file(*judge, {arguments.parameters});
  if (!result) return report(result.error());
  std::cout << json_text(*result) << std::endl;
  return kExitOk;
}

}  // namespace

void add_evaluate(CLI::App& app, int& status) {
  auto arguments = std::make_shared<EvaluateArguments>();
  CLI::App* command = app.add_subcommand("evaluate", "Loss and accuracy on the held-out samples");
  command->footer(
      "Example:\n  gradmint worker evaluate --data digits --model mlp --parameters m.safetensors");
  add_data_options(*command, arguments->data);
  command->get_option("--data")->required(false);
  add_model_options(*command, arguments->model);
  add_device_options(*command, arguments->model);
  command
      ->add_option("--evaluator", arguments->evaluator,
                   "your own program instead of --data and --model, run by /bin/sh -c "
                   "(default: $GRADMINT_EVALUATOR, which a coordinator sets)")
      ->type_name("COMMAND");
  command
      ->add_option("--layout", arguments->layout,
                   "with --evaluator: the tensors of flat vectors (default: $GRADMINT_LAYOUT)")
      ->type_name("FILE");
  command
      ->add_option("--work-dir", arguments->work_dir,
                   "with --evaluator: where its directory is made (default: $GRADMINT_WORK_DIR, "
                   "which a coordinator sets; else a temporary one)")
      ->type_name("DIR");
  command
      ->add_option("--contract", arguments->contract,
                   "the data contract's file (default: $GRADMINT_CONTRACT, which a coordinator "
                   "sets for its evaluator; else the one in FILE.safetensors)")
      ->type_name("FILE");
  command
      ->add_option("--parameters", arguments->parameters,
                   "A safetensors file, or a flat fp32 vector")
      ->type_name("FILE");
  command->add_flag("--serve", arguments->serve,
                    "answer JSON lines: {\"id\":1,\"parameters\":\"FILE\",\"deadline_s\":60}");
  command->add_option("--config", arguments->config, "TOML file with these options")
      ->type_name("FILE.toml");
  command->callback([arguments, command, &status] {
    arguments->model_is_given = command->count("--model") > 0;
    status = run(*arguments);
  });
}

}  // namespace gradmint
