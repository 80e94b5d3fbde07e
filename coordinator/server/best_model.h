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
  };

  BestModel(Ranking ranking, std::shared_ptr<const CheckpointWriter> checkpoints)
      : ranking_(std::move(ranking)), checkpoints_(std::move(checkpoints)) {}

  // All that is settled: after a start. Writes the best one's file, whatever lies there.
  Status look_back(const StateReader& state);
  // True when this settled round's model is the best now, and is written.
  Result<bool> settled(const RoundRecord& round);
  const std::optional<Standing>& standing() const { return standing_; }

 private:
  Status keep(const RoundRecord& round, std::int64_t micro);

  Ranking ranking_;
  std::shared_ptr<const CheckpointWriter> checkpoints_;
  std::optional<Standing> standing_;
};

}  // namespace gradmint
