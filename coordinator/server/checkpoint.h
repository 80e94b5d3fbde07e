// Checkpoints for people and their tools: the newest models as safetensors files. The ledger's own
// copy is the model blob; these can be deleted at any time.
#pragma once

#include <span>

#include "coordinator/server/home.h"
#include "ledger/genesis.h"
#include "ledger/model/layout.h"

namespace gradmint {

// The layout blob that the genesis names.
Result<ModelLayout> load_layout(const Home& home, const TaskSpec& task);

class CheckpointWriter {
 public:
  // Reads the layout blob that the genesis names.
  static Result<CheckpointWriter> open(const Home& home, const TaskSpec& task);
  // checkpoints/round-<6 digits>.safetensors; the three newest are kept. Thread safe.
  Status write(std::uint64_t round, std::span<const float> model) const;

 private:
  CheckpointWriter(std::filesystem::path directory, ModelLayout layout,
                   std::map<std::string, std::string> metadata)
      : directory_(std::move(directory)),
        layout_(std::move(layout)),
        metadata_(std::move(metadata)) {}
  std::filesystem::path directory_;
  ModelLayout layout_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace gradmint
