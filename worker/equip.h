// What a worker brings to a federation once the genesis says what that is: its samples as the data
// contract wants them, trainers and evaluator on them, and the manifest of what it trains on.
#pragma once

#include <filesystem>
#include <string>

#include "ledger/genesis.h"
#include "ledger/scaler_records.h"
#include "worker/adversary.h"
#include "worker/cli/arguments.h"
#include "worker/session/training.h"
#include "worker/torch/torch_options.h"

namespace gradmint {

struct EquipOrder {
  DataArguments data;
  ModelArguments model;
  std::string trainer;        // the user's own program; empty: the built-in training
  std::string evaluator;      // the same, to judge models; empty: built in, where there are samples
  std::uint64_t samples = 0;  // of its data, where there is no --data
  std::filesystem::path home;  // the program's directories are made in it
  AdversarySpec adversary;
  std::string origin, licence;  // for the manifest
  Hash secret;                  // for the manifest's salts
};

// Which model the task's workers build. Errors say what to give instead.
Result<ModelOptions> fitting_model(const ModelArguments& model, const TaskSpec& task);
// Samples and the federation's contract, if it has one, go together.
Status use_task(DataArguments& data, const TaskSpec& task);
// Whether a model of this size is the task's.
Status same_size(const ModelSize& size, const TaskSpec& task);

struct Equipment {
  session::WorkerTrainers trainers;
  std::optional<StateSums> sums;     // where the contract asks for them; without the dataset's name
  std::vector<std::string> remarks;  // what was decided about the data, for the user
};
// Reads the data. `layout` is the task's; null before it is known, which a program of the user's
// waits for: then everything else is checked, and there is no trainer yet.
// `scaler`: the one that the sites gave; empty where the contract has its own, and before it is
// fixed: then the rows are as the file has them.
Result<Equipment> equip(EquipOrder order, const GenesisRecord& genesis, const ModelLayout* layout,
                        const std::vector<ScalerBits>& scaler = {});

}  // namespace gradmint
