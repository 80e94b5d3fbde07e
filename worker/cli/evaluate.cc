// gradmint-worker evaluate: once for a file, or --serve as the coordinator's child, so that nothing
// libtorch does can take the coordinator down.
#include <spdlog/spdlog.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "ledger/durable_file.h"
#include "ledger/json_input.h"
#include "ledger/json_text.h"
#include "ledger/model/safetensors.h"
#include "worker/cli/commands.h"
#include "worker/cli/model_arguments.h"

namespace gradmint {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxRequestBytes = 1 << 20;

struct EvaluateArguments {
  DataArguments data;
  ModelArguments model;
  std::string parameters;
  bool serve = false;
  std::string config;
};

// FILE.safetensors, or the flat vector as the ledger keeps it.
Result<std::vector<float>> read_parameters(const std::string& file, const ModelLayout& layout) {
  const std::uint64_t values_bytes = layout.parameter_count() * sizeof(float);
  const bool named = std::filesystem::path(file).extension() == ".safetensors";
  Result<Bytes> bytes =
      read_file(file, named ? 2 * values_bytes + kMaxSafetensorsHeaderBytes : values_bytes);
  if (!bytes) return bytes.error();
  Result<std::vector<float>> values =
      named ? read_safetensors_as(*bytes, layout) : decode_flat_fp32(*bytes);
  if (!values) return Error{values.error().code, file + ": " + values.error().message};
  if (values->size() != layout.parameter_count())
    return Error{ErrorCode::bad_input, file + ": " + std::to_string(values->size()) +
                                           " values, this model has " +
                                           std::to_string(layout.parameter_count())};
  return values;
}

Result<Json> evaluate_file(Evaluator& evaluator, const std::string& file) {
  Result<std::vector<float>> values = read_parameters(file, evaluator.layout());
  if (!values) return values.error();
  Result<EvaluateOutcome> outcome = evaluator.evaluate(*values);
  if (!outcome) return outcome.error();
  return Json{{"loss", outcome->loss},
              {"accuracy", outcome->accuracy},
              {"examples", outcome->examples},
              {"loss_micro", loss_micro(outcome->loss)},
              {"accuracy_ppm", accuracy_ppm(outcome->accuracy)}};
}

Json answer(Evaluator& evaluator, const std::string& line) {
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
  Result<Json> result = evaluate_file(evaluator, file->get<std::string>());
  if (!result) return refuse(*id, result.error().message);
  (*result)["id"] = *id;
  return *std::move(result);
}

// One answer a request, in order; ends when stdin does.
int serve(Evaluator& evaluator) {
  for (std::string line; std::getline(std::cin, line);) {
    spdlog::debug("request {}", line.substr(0, 200));
    std::cout << json_text(answer(evaluator, line)) << std::endl;
    if (!std::cout) return kExitFailed;  // nobody listens any more
  }
  return kExitOk;
}

int run(const EvaluateArguments& arguments) {
  if (arguments.serve == !arguments.parameters.empty())
    return report({ErrorCode::bad_input, "evaluate: give --parameters FILE or --serve"});
  Result<ModelOptions> model = model_options(arguments.model);
  if (!model) return report(model.error());
  Result<Dataset> holdout = load_holdout(arguments.data);
  if (!holdout) return report(holdout.error());
  for (const std::string& remark : holdout->remarks) spdlog::info("{}", remark);
  spdlog::info("{}: {} samples held out", holdout->name, holdout->rows());
  auto evaluator = make_torch_evaluator(*model, device_options(arguments.model), *holdout);
  if (!evaluator) return report(evaluator.error());
  if (arguments.serve) return serve(**evaluator);
  Result<Json> result = evaluate_file(**evaluator, arguments.parameters);
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
  add_model_options(*command, arguments->model);
  add_device_options(*command, arguments->model);
  command->add_option("--parameters", arguments->parameters,
                      "FILE.safetensors, or a flat fp32 vector");
  command->add_flag("--serve", arguments->serve,
                    "answer JSON lines: {\"id\":1,\"parameters\":\"FILE\"}");
  command->add_option("--config", arguments->config, "TOML file with these options");
  command->callback([arguments, &status] { status = run(*arguments); });
}

}  // namespace gradmint
