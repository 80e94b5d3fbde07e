// rounds.best_by: checkpoints/best.safetensors is the best of the models that were settled, by the
// median of one of their attested metrics. Not thread safe.
#pragma once

#include <memory>

#include "coordinator/server/checkpoint.h"
#include "ledger/best_round.h"

namespace gradmint {

class BestModel {
 public:
  struct Standing {
    std::uint64_t round = 0;
    Ranking ranking;
    std::int64_t micro = 0;  // of ranking.metric
    Hash model_root{};
  };

  BestModel(Ranking ranking, std::shared_ptr<const CheckpointWriter> checkpoints)
      : ranking_(std::move(ranking)), checkpoints_(std::move(checkpoints)) {}

  // All that is settled: after a start. Writes the best one's file, whatever lies there. Where that
  // fails, each round that is settled tries it again.
  Status look_back(const StateReader& state);
  // True when the best model's file was written.
  Result<bool> settled(const RoundRecord& round);
  const std::optional<Standing>& standing() const { return standing_; }

 private:
  void stand(const RoundRecord& round, std::int64_t micro);
  Status write();

  Ranking ranking_;
  std::shared_ptr<const CheckpointWriter> checkpoints_;
  std::optional<Standing> standing_;
  bool written_ = false;  // the standing one's file
};

}  // namespace gradmint
