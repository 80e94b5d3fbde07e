#include "coordinator/server/best_model.h"

namespace gradmint {

Status BestModel::look_back(const StateReader& state) {
  const auto best = best_round(state, ranking_);
  if (!best) return {};
  return keep(*best, *rank_of(ranking_, *best));
}

Result<bool> BestModel::settled(const RoundRecord& round) {
  const auto micro = rank_of(ranking_, round);
  if (!micro || (standing_ && !is_better(ranking_, *micro, standing_->micro))) return false;
  if (Status kept = keep(round, *micro); !kept) return kept.error();
  return true;
}

Status BestModel::keep(const RoundRecord& round, std::int64_t micro) {
  if (Status kept = checkpoints_->keep_as_best(round.round, round.result.model_root); !kept)
    return kept;
  standing_ = Standing{round.round, ranking_, micro};
  return {};
}

}  // namespace gradmint
