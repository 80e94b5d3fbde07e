// gradmint-worker preflight: everything that would fail later, said now.
#include "worker/preflight.h"

#include <iostream>
#include <memory>

#include "coordinator/config/path_option.h"
#include "kernels/base/printable.h"
#include "ledger/scaler.h"
#include "worker/cli/commands.h"
#include "worker/cli/model_arguments.h"
#include "worker/cli/preflight_programs.h"
#include "worker/data/sums.h"
#include "worker/equip.h"
#include "worker/session/network_preflight.h"

namespace gradmint {
namespace {

struct PreflightArguments {
  DataArguments data;
  ModelArguments model;
  std::string home = ".";
  std::string key;
  std::string invite;
  std::string coordinator;
  std::string config;
  PreflightPrograms programs;
};

// Inputs, activations and a few copies of the model: a floor, not a promise.
constexpr std::uint64_t kBaseBytes = 512ULL << 20;

CheckLine from_error(const std::string& name, const Error& error) {
  return {name, false, error.message};
}

CheckLine check_device(const std::string& device) {
  Result<std::string> found = describe_device(device);
  return found ? CheckLine{"device", true, *found} : from_error("device", found.error());
}

// As joining does it: the task's model, where the task is known.
CheckLine check_model(const ModelArguments& arguments, const Dataset& data, const TaskSpec* task) {
  Result<ModelOptions> options =
      task == nullptr ? model_options(arguments) : fitting_model(arguments, *task);
  if (!options) return from_error("model", options.error());
  Result<InitialModel> model = make_initial_model(*options, data, 0);
  if (!model) return from_error("model", model.error());
  if (task != nullptr) {
    if (Status same = same_size(model->layout.size(), *task); !same)
      return from_error("model", same.error());
  }
  return {"model", true, options->model + ", " + describe(model->layout.size())};
}

// The key that is named, else the home's own, which `join` makes.
CheckLine check_own_key(const PreflightArguments& arguments) {
  if (!arguments.key.empty()) return check_key(arguments.key);
  const std::filesystem::path own = std::filesystem::path(arguments.home) / "keys/worker.json";
  if (std::filesystem::exists(own)) return check_key(own);
  return {"key", true, "none yet; joining makes " + own.string()};
}

// With an invitation, or a home that has joined before.
session::NetworkFindings check_coordinator(const PreflightArguments& arguments) {
  const std::filesystem::path home = arguments.home;
  if (arguments.invite.empty() && !std::filesystem::exists(home / "connection.json")) {
    return {
        {{"network", true, "give --invite with the coordinator's invitation", CheckWord::skipped}},
        std::nullopt,
        std::nullopt};
  }
  auto plan = session::plan_network_preflight(home, arguments.invite, arguments.coordinator);
  if (!plan) return {{from_error("network", plan.error())}, std::nullopt, std::nullopt};
  return session::check_network(*plan);
}

// Where the sites give the scaler: whether there can be sums of these rows, and how they look by
// the scaler that is there, if it is.
Status sum_and_scale(const std::vector<ScalerBits>& scaler, Dataset& data) {
  const auto sums = sums_of(data);
  if (!sums) return sums.error();
  data.remarks.insert(data.remarks.end(), sums->remarks.begin(), sums->remarks.end());
  const auto contract = with_scaler(data.contract, scaler);
  return contract ? scale_dataset(*contract, data) : Status{};
}

// The samples, as the federation's contract wants them where it was heard; their size in bytes.
std::uint64_t check_data(const PreflightArguments& arguments, const TaskSpec* task,
                         const std::vector<ScalerBits>& scaler, std::vector<CheckLine>& lines) {
  DataArguments asked = arguments.data;
  if (task != nullptr) {
    if (!task->contract.empty()) {
      const auto contract = DataContract::decode(task->contract);
      if (contract) lines.push_back({"contract", true, describe(*contract)});
    }
    if (Status fits = use_task(asked, *task); !fits) {
      lines.push_back(from_error("data", fits.error()));
      return 0;
    }
  }
  Result<Dataset> data = load_training(asked);
  if (!data) {
    lines.push_back(from_error("data", data.error()));
    return 0;
  }
  lines.push_back({"data", true,
                   data->name + ", " + std::to_string(data->rows()) + " samples: " + data->schema});
  if (task != nullptr && summed_columns(*task) != 0) {
    if (Status fits = sum_and_scale(scaler, *data); !fits)
      lines.push_back(from_error("data", fits.error()));
  }
  for (const std::string& remark : data->remarks)
    lines.push_back({"data", true, remark, CheckWord::note});
  if (arguments.programs.trainer.empty())
    lines.push_back(check_model(arguments.model, *data, task));
  return data->features.size() * sizeof(float);
}

int run(const PreflightArguments& arguments) {
  if (!arguments.programs.initial.empty() && !arguments.programs.any())
    return report({ErrorCode::bad_input,
                   "preflight: --initial is the model that --trainer and --evaluator are tried on: "
                   "give one of them"});
  std::vector<CheckLine> lines{check_device(arguments.model.device)};
  const session::NetworkFindings network = check_coordinator(arguments);
  const TaskSpec* task = network.genesis ? &network.genesis->task : nullptr;
  std::uint64_t data_bytes = 0;
  if (!arguments.data.data.empty()) data_bytes = check_data(arguments, task, network.scaler, lines);
  const auto tried = check_programs(arguments.programs, task);
  lines.insert(lines.end(), tried.begin(), tried.end());
  lines.push_back(check_memory(kBaseBytes + 2 * data_bytes));
  lines.push_back(network.clock ? *network.clock : check_clock(std::nullopt));
  lines.push_back(check_home(arguments.home));
  lines.push_back(check_own_key(arguments));
  lines.insert(lines.end(), network.lines.begin(), network.lines.end());
  bool all = true;
  for (const CheckLine& line : lines) {
    std::cout << printable(format_check(line)) << std::endl;
    all = all && line.passed;
  }
  return all ? kExitOk : kExitFailed;
}

}  // namespace

void add_preflight(CLI::App& app, int& status) {
  auto arguments = std::make_shared<PreflightArguments>();
  CLI::App* command =
      app.add_subcommand("preflight", "Check GPU, memory, data, own programs, clock, disk and key");
  command->footer(
      "Example:\n  gradmint worker preflight --data digits --device auto --home ./worker\n"
      "  gradmint worker preflight --invite gminv1... --trainer 'python3 trainer.py' \\\n"
      "      --initial initial.safetensors");
  add_data_options(*command, arguments->data);
  command->get_option("--data")->required(false);
  add_shard_options(*command, arguments->data);
  add_model_options(*command, arguments->model);
  add_device_options(*command, arguments->model);
  command
      ->add_option("--trainer", arguments->programs.trainer,
                   "your own program, as join takes it: run once on --initial")
      ->type_name("COMMAND");
  command
      ->add_option("--evaluator", arguments->programs.evaluator,
                   "your own program that judges models: run once on --initial")
      ->type_name("COMMAND");
  command
      ->add_option("--initial", arguments->programs.initial,
                   "the model that --trainer and --evaluator are tried on")
      ->type_name("FILE.safetensors");
  command->add_option("--home", arguments->home, "the worker's directory")
      ->type_name("DIR")
      ->check(some_path())
      ->capture_default_str();
  command->add_option("--invite", arguments->invite,
                      "a coordinator's invitation: reach it, and compare clocks and keys");
  command
      ->add_option("--coordinator", arguments->coordinator,
                   "tcp://HOST:PORT, where the coordinator has moved since the invitation")
      ->type_name("ADDRESS");
  command->add_option("--key", arguments->key,
                      "the worker's key file (default: HOME/keys/worker.json)");
  command->add_option("--config", arguments->config, "TOML file with these options")
      ->type_name("FILE.toml");
  command->callback([arguments, &status] { status = run(*arguments); });
}

}  // namespace gradmint
