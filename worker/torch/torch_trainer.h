// Training and evaluation through libtorch. Others include this header and torch_options.h alone;
// neither reaches a torch header, so that only this folder pays for them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ledger/bytes.h"
#include "worker/data/dataset.h"
#include "worker/torch/torch_options.h"
#include "worker/trainer.h"

namespace gradmint {

// Errors: bad_input (unknown model, a model that does not fit the data), not_found, refused (the
// file's hash), unsupported (an archive this libtorch cannot read; no such GPU).
Result<std::unique_ptr<Trainer>> make_torch_trainer(const ModelOptions& model,
                                                    const DeviceOptions& device, Dataset train);
Result<std::unique_ptr<Evaluator>> make_torch_evaluator(const ModelOptions& model,
                                                        const DeviceOptions& device,
                                                        Dataset holdout);

// A model's answers to rows as the contract scales them: outputs() values a row. Classification:
// the probability of each class; regression: the target, scaled.
class Predictor {
 public:
  virtual ~Predictor() = default;
  virtual const ModelLayout& layout() const = 0;
  virtual Result<std::vector<float>> predict(std::span<const float> parameters) = 0;
};
Result<std::unique_ptr<Predictor>> make_torch_predictor(const ModelOptions& model,
                                                        const DeviceOptions& device, Dataset rows);

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

bool torch_has_cuda();  // this libtorch was built with CUDA
// "cpu", or "cuda:N" with the GPU's name and memory; the error says what is missing.
Result<std::string> describe_device(const std::string& device);

}  // namespace gradmint
