// A safetensors file that says what model it holds: a model with the contract it was trained under.
#pragma once

#include <optional>
#include <string>

#include "ledger/model/data_contract.h"
#include "ledger/model/safetensors.h"
#include "worker/cli/arguments.h"

namespace gradmint {

struct ModelFile {
  LoadedModel model;
  std::optional<DataContract> contract;
};
Result<ModelFile> read_model_file(const std::string& file);

// "mlp" and "cnn" are built as the file says, a TorchScript model from `arguments.model`, whose
// hash the file names. Errors say what is missing.
Result<ModelArguments> model_of(const ModelFile& file, const std::string& name,
                                ModelArguments arguments);

// --contract FILE, as gradmint worker contract writes it.
// refused where rows cannot be read by it yet: its scaler is still to come from the sites.
Status has_scaler(const DataContract& contract, const std::string& of);
Result<DataContract> read_contract_file(const std::string& file);

}  // namespace gradmint
