#include "worker/cli/arguments.h"

#include <filesystem>

#include "kernels/base/exit_status.h"
#include "ledger/output/error_line.h"
#include "worker/data/csv_reader.h"
#include "worker/data/load.h"

namespace gradmint {
namespace {

Result<Split> split_as_asked(const Dataset& data, const DataArguments& arguments) {
  if (arguments.holdout_permille != 0)
    return split_holdout(data, arguments.holdout_seed, arguments.holdout_permille);
  Split all;
  for (std::uint32_t row = 0; row < data.rows(); ++row) all.train.push_back(row);
  all.holdout = all.train;
  return all;
}

// One row of comma-separated names; nothing of an empty text.
Result<std::vector<std::string>> names_in(const std::string& text, const std::string& option) {
  CsvReader reader(text, option);
  CsvRow row;
  if (!reader.next(row)) {
    if (reader.failure()) return *reader.failure();
    return std::vector<std::string>{};
  }
  return std::vector<std::string>(row.fields.begin(), row.fields.end());
}

}  // namespace

int report(const Error& error) {
  write_error_line("gradmint-worker", error.message);
  return exit_status(error.code);
}

void add_row_options(CLI::App& command, DataArguments& arguments) {
  command.add_option("--data", arguments.data, "digits, mnist:DIR or csv:FILE")->required();
  command.add_option("--label", arguments.label,
                     "csv: the label's column, by name or index from 0 (default: the data "
                     "contract's, or the last)");
  command
      .add_option("--header", arguments.header,
                  "csv: whether the first row names the columns; auto: where --label is named in "
                  "it, or text stands above a number")
      ->check(CLI::IsMember({"auto", "yes", "no"}))
      ->capture_default_str();
  command.add_option("--drop", arguments.drop,
                     "csv: columns to leave out, comma-separated, one with a comma in double "
                     "quotes");
}

void add_data_options(CLI::App& command, DataArguments& arguments) {
  add_row_options(command, arguments);
  command.add_option("--task", arguments.task, "csv: what is learned (default: classification)")
      ->check(CLI::IsMember({"classification", "regression"}));
  command.add_option("--classes", arguments.classes,
                     "csv: all label names in order, comma-separated, one with a comma in double "
                     "quotes (default: those found)");
  command
      .add_option(
          "--scale", arguments.scale,
          "csv, where no federation's contract says how: standard (mean 0, deviation 1 over "
          "the file; the default) or none")
      ->check(CLI::IsMember({"standard", "none"}));
  command.add_option("--seed", arguments.seed, "of the division into shards")
      ->capture_default_str();
  command
      .add_option("--holdout", arguments.holdout_permille,
                  "held out for validation, in thousandths; 0: nothing is")
      ->check(CLI::Range(0, 900))
      ->capture_default_str();
  command
      .add_option("--holdout-seed", arguments.holdout_seed,
                  "which rows are held out; the same for all of a federation")
      ->capture_default_str();
}

void add_scaler_option(CLI::App& command, DataArguments& arguments) {
  command
      .add_option("--scaler", arguments.scaler,
                  "csv: where the contract's means and scales come from: sample, or sites: from "
                  "sums over the rows of all sites, before the first round")
      ->check(CLI::IsMember({"sample", "sites"}))
      ->capture_default_str();
}

Result<DataContract> contract_asked(const DataArguments& arguments, const Dataset& data) {
  if (arguments.scaler == "sample") return data.contract;
  if (!arguments.data.starts_with("csv:"))
    return Error{ErrorCode::bad_input,
                 "--scaler sites is for csv:FILE: " + arguments.data + " is not scaled"};
  if (!arguments.scale.empty())
    return Error{ErrorCode::bad_input,
                 "--scale says how this sample is scaled, --scaler sites that it is not: leave one "
                 "out"};
  DataContract contract = without_scaler(data.contract);
  if (const std::string fault = contract.fault(); !fault.empty())
    return Error{ErrorCode::bad_input, "--scaler sites: " + fault};
  return contract;
}

void add_shard_options(CLI::App& command, DataArguments& arguments) {
  command.add_option("--shard", arguments.shard, "I/N: the I-th of N non-IID shards")
      ->capture_default_str();
  command
      .add_option("--alpha", arguments.alpha,
                  "Dirichlet concentration of the shards; smaller is less even, 0 is even")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
}

Status use_contract(DataArguments& arguments, DataContract contract) {
  if (!arguments.task.empty() && arguments.task != contract.task)
    return Error{ErrorCode::bad_input, "this federation's task is " + contract.task +
                                           ": give --task " + contract.task + ", or none"};
  if (!arguments.scale.empty())
    return Error{ErrorCode::bad_input,
                 "--scale: this federation's data contract scales the data: leave it out"};
  auto classes = names_in(arguments.classes, "--classes");
  if (!classes) return classes.error();
  if (!classes->empty() && *classes != contract.classes)
    return Error{ErrorCode::bad_input,
                 "--classes: they differ from those of the federation's data contract (" +
                     describe(contract) + "): leave them out"};
  arguments.contract = std::move(contract);
  return {};
}

// Options that say nothing of these data.
Status check_words(const DataArguments& arguments) {
  const bool classes_of_numbers = arguments.task == "regression" && !arguments.classes.empty();
  if (classes_of_numbers) return Error{ErrorCode::bad_input, "--classes: regression has none"};
  if (arguments.data.starts_with("csv:")) return {};
  for (const auto& [option, text] :
       {std::pair{"--label", arguments.label}, std::pair{"--classes", arguments.classes},
        std::pair{"--drop", arguments.drop}, std::pair{"--scale", arguments.scale}}) {
    if (!text.empty())
      return Error{ErrorCode::bad_input,
                   std::string(option) + " is for csv:FILE, not for " + arguments.data};
  }
  if (arguments.task != "regression") return {};
  return Error{ErrorCode::bad_input,
               "--task regression is for csv:FILE, not for " + arguments.data};
}

Status check_output(const std::string& output, const std::vector<std::string>& inputs) {
  for (std::string input : inputs) {
    if (const auto kind = input.find(':'); input.starts_with("csv:")) input.erase(0, kind + 1);
    std::error_code failed;
    if (!input.empty() && std::filesystem::equivalent(output, input, failed))
      return Error{ErrorCode::bad_input,
                   "-o " + output + " is a file that is read here: name another"};
  }
  return {};
}

Result<Dataset> load_all(const DataArguments& arguments) {
  if (Status fit = check_words(arguments); !fit) return fit.error();
  CsvOptions csv;
  csv.task = arguments.task == "regression" ? Task::regression : Task::classification;
  csv.label = arguments.label;
  auto classes = names_in(arguments.classes, "--classes");
  if (!classes) return classes.error();
  csv.classes = *std::move(classes);
  auto drop = names_in(arguments.drop, "--drop");
  if (!drop) return drop.error();
  csv.drop = *std::move(drop);
  csv.contract = arguments.contract;
  csv.label_may_lack = arguments.label_may_lack;
  csv.header = arguments.header == "yes"  ? CsvHeader::yes
               : arguments.header == "no" ? CsvHeader::no
                                          : CsvHeader::decide;
  csv.suggest_regression = arguments.task.empty();
  csv.scale = arguments.scale == "none" ? CsvScale::none : CsvScale::standard;
  return load_dataset(arguments.data, csv, default_digits_file());
}

Result<Dataset> load_training(const DataArguments& arguments) {
  Result<ShardSpec> shard = parse_shard(arguments.shard);
  if (!shard) return shard.error();
  Result<Dataset> data = load_all(arguments);
  if (!data) return data;
  Result<Split> split = split_as_asked(*data, arguments);
  if (!split) return split.error();
  const auto shards =
      dirichlet_shards(*data, split->train, shard->count, arguments.alpha, arguments.seed);
  if (shards[shard->index].empty())
    return Error{ErrorCode::bad_input, data->name + ": shard " + arguments.shard +
                                           " has no samples; use fewer shards or more data"};
  return select_rows(*data, shards[shard->index]);
}

Result<Dataset> load_holdout(const DataArguments& arguments) {
  Result<Dataset> data = load_all(arguments);
  if (!data) return data;
  Result<Split> split = split_as_asked(*data, arguments);
  if (!split) return split.error();
  return select_rows(*data, split->holdout);
}

void add_model_options(CLI::App& command, ModelArguments& arguments) {
  command.add_option("--model", arguments.model, "mlp, cnn, or a TorchScript FILE.pt")
      ->capture_default_str();
  command.add_option("--hidden", arguments.hidden, "mlp: width of its hidden layer")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  command.add_option("--model-hash", arguments.model_hash,
                     "SHA-256 that FILE.pt must have, in hexadecimal");
}

void add_device_options(CLI::App& command, ModelArguments& arguments) {
  command.add_option("--device", arguments.device, "auto, cpu or cuda:N")->capture_default_str();
  command.add_option("--threads", arguments.threads, "CPU threads for libtorch")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
}

}  // namespace gradmint
