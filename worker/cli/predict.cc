// gradmint-worker predict: a trained model's answers to rows of one's own.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>

#include "coordinator/config/path_option.h"
#include "kernels/base/printable.h"
#include "ledger/durable_file.h"
#include "ledger/output/error_line.h"
#include "worker/child_process.h"
#include "worker/cli/commands.h"
#include "worker/cli/model_arguments.h"
#include "worker/cli/model_file.h"
#include "worker/predictions.h"

namespace gradmint {
namespace {

namespace fs = std::filesystem;

struct PredictArguments {
  DataArguments data;
  ModelArguments model;
  std::string file, ledger, round, program, output;
  std::string config;
};

// A file that is gone with its object.
struct Scratch {
  fs::path directory;
  ~Scratch() {
    std::error_code ignored;
    if (!directory.empty()) fs::remove_all(directory, ignored);
  }
};

// What stands in a ledger is read by the program that reads ledgers.
Result<std::string> export_from_ledger(const PredictArguments& arguments, Scratch& scratch) {
  std::error_code failed;
  std::string pattern = (fs::temp_directory_path(failed) / "gradmint-predict-XXXXXX").string();
  if (failed || ::mkdtemp(pattern.data()) == nullptr)
    return Error{ErrorCode::io, "cannot make a temporary directory: set TMPDIR to one with room"};
  scratch.directory = pattern;
  const std::string file = (scratch.directory / "model.safetensors").string();
  const fs::path own = fs::read_symlink("/proc/self/exe", failed);
  const fs::path beside = own.parent_path() / "gradmint";
  ChildTask task;
  task.directory = fs::current_path(failed);
  task.command =
      "exec \"$GRADMINT_PROGRAM\" model export --ledger \"$GRADMINT_LEDGER\" -o "
      "\"$GRADMINT_FILE\" ${GRADMINT_ROUND:+--round \"$GRADMINT_ROUND\"}";
  task.environment = {
      "GRADMINT_PROGRAM=" + (fs::exists(beside, failed) ? beside.string() : "gradmint"),
      "GRADMINT_LEDGER=" + arguments.ledger, "GRADMINT_FILE=" + file,
      "GRADMINT_ROUND=" + arguments.round};
  const auto outcome = run_child(task, [](const std::string&) {});
  if (!outcome) return outcome.error();
  if (outcome->end == ChildEnd::exited && outcome->code == 0) return file;
  std::string line = outcome->last_line;
  if (line.starts_with("gradmint: ")) line.erase(0, 10);
  return Error{
      outcome->code == 2 ? ErrorCode::bad_input : ErrorCode::io,
      line.empty() ? "--ledger " + arguments.ledger + ": its model was not exported" : line};
}

Status write_predictions(const PredictArguments& arguments, const std::string& text) {
  if (!arguments.output.empty()) return replace_file(arguments.output, as_bytes(text));
  std::cout << text << std::flush;
  return {};
}

void tell_score(const PredictArguments& arguments, const Dataset& data,
                std::span<const float> outputs) {
  if (arguments.output.empty()) return;  // standard output has the table
  std::printf("%llu predictions written to %s\n", static_cast<unsigned long long>(data.rows()),
              printable(arguments.output).c_str());
  const auto score = score_predictions(data, outputs);
  if (!score) return;
  if (data.task == Task::classification) {
    std::printf("accuracy %.2f %% of %llu labelled rows\n", 100 * score->accuracy,
                static_cast<unsigned long long>(score->rows));
  } else {
    std::printf("root mean square error %.6g, R2 %.4f over %llu labelled rows\n", score->rmse,
                score->r2, static_cast<unsigned long long>(score->rows));
  }
}

Result<Dataset> load_rows(DataArguments data, const DataContract& contract) {
  data.label_may_lack = true;
  if (Status fits = use_contract(data, contract); !fits) return fits.error();
  return load_all(data);
}

Status predict(const PredictArguments& arguments) {
  if (arguments.file.empty() == arguments.ledger.empty())
    return Error{ErrorCode::bad_input,
                 "predict: give --model FILE.safetensors, or --ledger DIR for the newest of a "
                 "ledger"};
  if (!arguments.round.empty() && arguments.ledger.empty())
    return Error{ErrorCode::bad_input, "predict: --round is for --ledger"};
  if (Status own = check_output(arguments.output, {arguments.file, arguments.ledger,
                                                   arguments.program, arguments.data.data});
      !own)
    return own;
  Scratch scratch;
  std::string file = arguments.file;
  if (file.empty()) {
    auto exported = export_from_ledger(arguments, scratch);
    if (!exported) return exported.error();
    file = *exported;
  }
  const std::string name = arguments.file.empty() ? "the ledger's model" : arguments.file;
  const auto read = read_model_file(file);
  if (!read) return read.error();
  if (!read->contract)
    return Error{ErrorCode::bad_input,
                 name +
                     " has no data contract, so what a row means is not known: export it from a "
                     "ledger whose genesis has one"};
  if (Status there = has_scaler(*read->contract, name); !there) return there;
  ModelArguments model = arguments.model;
  model.model = arguments.program;
  const auto fitting = model_of(*read, name, model);
  if (!fitting) return fitting.error();
  const auto options = model_options(*fitting);
  if (!options) return options.error();
  const auto data = load_rows(arguments.data, *read->contract);
  if (!data) return data.error();
  for (const std::string& remark : data->remarks) write_error_line("gradmint-worker", remark);
  auto predictor = make_torch_predictor(*options, device_options(arguments.model), *data);
  if (!predictor) return predictor.error();
  if (!((*predictor)->layout() == read->model.layout))
    return Error{ErrorCode::bad_input, name + ": its tensors are not those of " + fitting->model};
  for (const float value : read->model.parameters)
    if (!std::isfinite(value))
      return Error{ErrorCode::bad_input, name + " holds a value that is not finite"};
  const auto outputs = (*predictor)->predict(read->model.parameters);
  if (!outputs) return outputs.error();
  for (std::size_t i = 0; i < outputs->size(); ++i)
    if (!std::isfinite((*outputs)[i]))
      return Error{ErrorCode::not_finite, "row " + std::to_string(i / data->outputs() + 1) +
                                              " has no finite answer: the model overflows on it"};
  if (Status written = write_predictions(arguments, predictions_csv(*read->contract, *outputs));
      !written)
    return written;
  tell_score(arguments, *data, *outputs);
  return {};
}

}  // namespace

void add_predict(CLI::App& app, int& status) {
  auto arguments = std::make_shared<PredictArguments>();
  CLI::App* command =
      app.add_subcommand("predict", "A trained model's answers to rows of your own");
  command->footer(
      "Example:\n  gradmint worker predict --model model.safetensors --data csv:new.csv -o "
      "predictions.csv\n"
      "Columns are found by the names of the model's data contract and scaled as it says; the "
      "label may be missing.");
  command
      ->add_option("--model", arguments->file,
                   "the trained model, as gradmint model export writes it")
      ->type_name("FILE.safetensors");
  command->add_option("--ledger", arguments->ledger, "or the newest model of this ledger")
      ->type_name("DIR|FILE");
  command->add_option("--round", arguments->round, "with --ledger: the model after that round")
      ->type_name("R");
  command->add_option("--program", arguments->program, "of a TorchScript model: its file")
      ->type_name("FILE.pt");
  add_row_options(*command, arguments->data);
  add_device_options(*command, arguments->model);
  command->add_option("-o,--output", arguments->output, "where to (default: standard output)")
      ->type_name("FILE.csv")
      ->check(some_path());
  command->add_option("--config", arguments->config, "TOML file with these options")
      ->type_name("FILE.toml");
  command->callback([arguments, &status] {
    const Status done = predict(*arguments);
    status = done.ok() ? kExitOk : report(done.error());
  });
}

}  // namespace gradmint
