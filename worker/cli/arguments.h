// What the subcommands of gradmint-worker share: options for data and model, the configuration
// file, exit statuses.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/base/result.h"
#include "worker/data/dataset.h"

namespace gradmint {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;    // the run failed
inline constexpr int kExitBadInput = 2;  // usage, or an input that cannot be used
// Prints the one line to stderr and returns its exit status.
int report(const Error& error);

struct DataArguments {
  std::string data;
  std::string label;
  std::string task;     // empty: classification, and a remark where that is doubtful
  std::string classes;  // comma-separated, quoted as in a CSV file
  std::string header = "auto";
  std::string scale;               // empty: standard, or the contract's
  std::string scaler = "sample";   // of a contract that is made here
  std::string drop;                // comma-separated, as classes
  std::uint64_t seed = 1;          // of the shards
  std::uint64_t holdout_seed = 0;  // the same in every run, so that accuracies compare
  std::uint32_t holdout_permille = 200;
  std::string shard = "1/1";
  double alpha = 10.0;

  std::optional<DataContract> contract;  // a federation's, once it is known
  bool label_may_lack = false;           // with a contract: rows without answers
};
// --data, --label, --header, --drop: for rows whose meaning is known already
void add_row_options(CLI::App& command, DataArguments& arguments);
// These, and --task, --classes, --scale and how the rows are divided:
// --data, --label, --task, --classes, --header, --scale, --drop, --seed, --holdout, --holdout-seed
void add_data_options(CLI::App& command, DataArguments& arguments);
// --scaler: of the commands that make a contract
void add_scaler_option(CLI::App& command, DataArguments& arguments);
// The contract of these data with its scaler as --scaler says.
Result<DataContract> contract_asked(const DataArguments& arguments, const Dataset& data);
// --shard, --alpha
void add_shard_options(CLI::App& command, DataArguments& arguments);

// Refuses words of the command line that contradict the federation's contract.
Status use_contract(DataArguments& arguments, DataContract contract);

Result<Dataset> load_all(const DataArguments& arguments);
// This worker's shard of the rows that are not held out. Refuses an empty shard.
Result<Dataset> load_training(const DataArguments& arguments);
// The rows held out; all rows when --holdout is 0.
Result<Dataset> load_holdout(const DataArguments& arguments);

// Where `output` is one of the files that were read: it would be lost.
Status check_output(const std::string& output, const std::vector<std::string>& inputs);

struct ModelArguments {
  std::string model = "mlp";
  std::uint32_t hidden = 256;
  std::string model_hash;  // hexadecimal; of a TorchScript file
  std::string device = "auto";
  std::uint32_t threads = 1;
};
// --model, --hidden, --model-hash
void add_model_options(CLI::App& command, ModelArguments& arguments);
// --device, --threads
void add_device_options(CLI::App& command, ModelArguments& arguments);

// Puts the options of the TOML file named by --config before those of the command line, so that the
// latter win. Refuses keys that are no option of the subcommand, by name.
Result<std::vector<std::string>> with_config(const CLI::App& app, std::vector<std::string> words);

}  // namespace gradmint
