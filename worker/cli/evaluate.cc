// gradmint-worker evaluate: once for a file, or --serve as the coordinator's child, so that nothing
// libtorch does can take the coordinator down.
#include <spdlog/spdlog.h>

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

namespace gradmint {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxRequestBytes = 1 << 20;

struct EvaluateArguments {
  DataArguments data;
  ModelArguments model;
  std::string parameters;
  std::string contract;         // a file
  bool model_is_given = false;  // on the command line
  bool serve = false;
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

Result<Json> evaluate_file(Evaluator& evaluator, const DataContract& contract,
                           const std::string& file) {
  Result<std::vector<float>> values = read_parameters(file, evaluator.layout());
  if (!values) return values.error();
  Result<EvaluateOutcome> outcome = evaluator.evaluate(*values);
  if (!outcome) return outcome.error();
  Json result{{"loss", outcome->loss},
              {"examples", outcome->examples},
              {"loss_micro", loss_micro(outcome->loss)},
              {"accuracy_ppm", accuracy_ppm(outcome->accuracy)}};
  if (contract.task == "regression") {
    result["r2"] = outcome->accuracy;  // 0 where it is below
    result["rmse"] = *own_unit_error(contract, outcome->loss);
    result["rmse_of"] = contract.label;
  } else {
    result["accuracy"] = outcome->accuracy;
  }
  return result;
}

Json answer(Evaluator& evaluator, const DataContract& contract, const std::string& line) {
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
  Result<Json> result = evaluate_file(evaluator, contract, file->get<std::string>());
  if (!result) return refuse(*id, result.error().message);
  (*result)["id"] = *id;
  return *std::move(result);
}

// One answer a request, in order; ends when stdin does.
int serve(Evaluator& evaluator, const DataContract& contract) {
  for (std::string line; std::getline(std::cin, line);) {
    spdlog::debug("request {}", line.substr(0, 200));
    std::cout << json_text(answer(evaluator, contract, line)) << std::endl;
    if (!std::cout) return kExitFailed;  // nobody listens any more
  }
  return kExitOk;
}

// The model's own contract and kind, where its file names them.
Status use_model_file(EvaluateArguments& arguments) {
  const auto file = read_model_file(arguments.parameters);
  if (!file) return file.error();
  if (!arguments.model_is_given && file->model.metadata.contains(kModelMetadataKey)) {
    auto model = model_of(*file, arguments.parameters, arguments.model);
    if (!model) return model.error();
    arguments.model = *std::move(model);
  }
  if (!file->contract) {
    if (!arguments.data.contract)
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
  if (const char* given = std::getenv("GRADMINT_CONTRACT");
      arguments.contract.empty() && given != nullptr)
    arguments.contract = given;
  if (!arguments.contract.empty()) {
    auto contract = read_contract_file(arguments.contract);
    if (!contract) return contract.error();
    if (Status fits = use_contract(arguments.data, *std::move(contract)); !fits) return fits;
  }
  if (std::filesystem::path(arguments.parameters).extension() != ".safetensors") return {};
  return use_model_file(arguments);
}

int run(EvaluateArguments arguments) {
  if (Status settled = settle(arguments); !settled) return report(settled.error());
  Result<ModelOptions> model = model_options(arguments.model);
  if (!model) return report(model.error());
  Result<Dataset> holdout = load_holdout(arguments.data);
  if (!holdout) return report(holdout.error());
  for (const std::string& remark : holdout->remarks) spdlog::info("{}", remark);
  spdlog::info("{}: {} samples held out", holdout->name, holdout->rows());
  auto evaluator = make_torch_evaluator(*model, device_options(arguments.model), *holdout);
  if (!evaluator) return report(evaluator.error());
  if (arguments.serve) return serve(**evaluator, holdout->contract);
  Result<Json> result = evaluate_file(**evaluator, holdout->contract, arguments.parameters);
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
                    "answer JSON lines: {\"id\":1,\"parameters\":\"FILE\"}");
  command->add_option("--config", arguments->config, "TOML file with these options")
      ->type_name("FILE.toml");
  command->callback([arguments, command, &status] {
    arguments->model_is_given = command->count("--model") > 0;
    status = run(*arguments);
  });
}

}  // namespace gradmint
