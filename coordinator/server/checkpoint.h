// Checkpoints for people and their tools: the newest models as safetensors files. The ledger's own
// copy is the model blob; these can be deleted at any time.
#pragma once

#include <atomic>
#include <memory>
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
  // What the files say of their model from now on. Not while one is written.
  void describe(const TaskSpec& task);
  // checkpoints/round-<6 digits>.safetensors; the three newest are kept. Thread safe.
  Status write(std::uint64_t round, std::span<const float> model) const;
  // checkpoints/best.safetensors: a settled round's model, another name of its file where that is
  // what this one, or a copy of it, has written last, else made of the blob: a file that lay there
  // before may hold anything.
  Status keep_as_best(std::uint64_t round, const Hash& model_root) const;
  std::filesystem::path best_file() const { return directory_ / "best.safetensors"; }

 private:
  CheckpointWriter(BlobStore blobs, std::filesystem::path directory, ModelLayout layout,
                   std::map<std::string, std::string> metadata)
      : blobs_(std::move(blobs)),
        directory_(std::move(directory)),
        layout_(std::move(layout)),
        metadata_(std::move(metadata)) {}
  Status write_file(const std::string& name, std::uint64_t round,
                    std::span<const float> model) const;

  bool link_best(std::uint64_t round) const;

  BlobStore blobs_;
  std::filesystem::path directory_;
  ModelLayout layout_;
  std::map<std::string, std::string> metadata_;
  std::shared_ptr<std::atomic<std::uint64_t>> written_ =  // the newest round whose file it wrote
      std::make_shared<std::atomic<std::uint64_t>>(0);
};

}  // namespace gradmint
