// Training and evaluation through libtorch. The only header of worker/torch that others include; it
// reaches no torch header, so that only this folder pays for them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledger/bytes.h"
#include "worker/data/dataset.h"
#include "worker/trainer.h"

namespace gradmint {

struct ModelOptions {
  std::string model = "mlp";               // "mlp", "cnn", or a TorchScript file
  std::uint32_t hidden = 256;              // mlp: width of the hidden layer
  std::optional<Hash> expected_file_hash;  // SHA-256 the TorchScript file must have
};

struct DeviceOptions {
  std::string device = "cpu";  // "auto", "cpu", "cuda:N"
  std::uint32_t threads = 1;   // libtorch's CPU threads, for the whole process
};

// Errors: bad_input (unknown model, a model that does not fit the data), not_found, refused (the
// file's hash), unsupported (an archive this libtorch cannot read; no such GPU).
Result<std::unique_ptr<Trainer>> make_torch_trainer(const ModelOptions& model,
                                                    const DeviceOptions& device, Dataset train);
Result<std::unique_ptr<Evaluator>> make_torch_evaluator(const ModelOptions& model,
                                                        const DeviceOptions& device,
                                                        Dataset holdout);

struct InitialModel {
  ModelLayout layout;
  std::vector<float> parameters;
};
// Built-in models: fresh weights from the seed. TorchScript: the values in the file. `data` gives
// shape and classes only.
Result<InitialModel> make_initial_model(const ModelOptions& model, const Dataset& data,
                                        std::uint64_t seed);

// SHA-256 of a TorchScript file, as the ledger names it.
Result<Hash> model_file_hash(const std::string& file);

bool torch_has_cuda();        // this libtorch was built with CUDA
std::string torch_version();  // for --version
// "cpu", or "cuda:N" with the GPU's name and memory; the error says what is missing.
Result<std::string> describe_device(const std::string& device);

}  // namespace gradmint
