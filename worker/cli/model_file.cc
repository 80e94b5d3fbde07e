#include "worker/cli/model_file.h"

#include "ledger/durable_file.h"

namespace gradmint {
namespace {

constexpr std::uint64_t kMaxModelFileSize = 64ULL << 30;

std::string metadata_of(const ModelFile& file, const char* key) {
  const auto found = file.model.metadata.find(key);
  return found == file.model.metadata.end() ? "" : found->second;
}

}  // namespace

Result<ModelFile> read_model_file(const std::string& file) {
  const auto bytes = read_file(file, kMaxModelFileSize);
  if (!bytes) return bytes.error();
  auto model = read_safetensors(*bytes);
  if (!model) return Error{model.error().code, file + ": " + model.error().message};
  ModelFile read{*std::move(model), std::nullopt};
  if (const std::string text = metadata_of(read, kContractMetadataKey); !text.empty()) {
    auto contract = DataContract::decode(text);
    if (!contract) return Error{ErrorCode::bad_input, file + ": " + contract.error().message};
    read.contract = *std::move(contract);
  }
  return read;
}

Result<ModelArguments> model_of(const ModelFile& file, const std::string& name,
                                ModelArguments arguments) {
  const std::string model = metadata_of(file, kModelMetadataKey);
  if (model == "mlp" || model == "cnn") {
    if (arguments.model.ends_with(".pt"))
      return Error{ErrorCode::bad_input,
                   name + " is of the built-in " + model + ", which has no TorchScript program"};
    arguments.model = model;
    for (const TensorSpec& tensor : file.model.layout.tensors())
      if (tensor.name == "hidden.bias" && tensor.shape.size() == 1 && tensor.shape[0] <= 65536)
        arguments.hidden = static_cast<std::uint32_t>(tensor.shape[0]);
    return arguments;
  }
  if (arguments.model.ends_with(".pt")) {
    if (arguments.model_hash.empty()) arguments.model_hash = metadata_of(file, kProgramMetadataKey);
    return arguments;
  }
  return Error{
      ErrorCode::bad_input,
      name + (model == "torchscript"
                  ? " is of a TorchScript model: give your copy of it with --program FILE.pt"
                  : " does not say which model it is of: give its TorchScript program with "
                    "--program FILE.pt")};
}

Status has_scaler(const DataContract& contract, const std::string& of) {
  if (contract.scaler_from == ScalerFrom::sample) return {};
  return Error{ErrorCode::bad_input,
               of + ": the data contract takes its scaler from the sites, and this model is from "
                    "before it was fixed: take the model of a ledger that has settled a round "
                    "(gradmint model export)"};
}

Result<DataContract> read_contract_file(const std::string& file) {
  const auto bytes = read_file(file, kMaxContractBytes + 1);
  if (!bytes) return bytes.error();
  auto contract = DataContract::parse(std::string(bytes->begin(), bytes->end()));
  if (!contract) return Error{ErrorCode::bad_input, file + ": " + contract.error().message};
  return contract;
}

}  // namespace gradmint
