#include "coordinator/server/best_model.h"

namespace gradmint {

Status BestModel::look_back(const StateReader& state) {
  const auto best = best_round(state, ranking_);
  if (!best) return {};
  stand(*best, *rank_of(ranking_, *best));
  return write();
}

Result<bool> BestModel::settled(const RoundRecord& round) {
  const auto micro = rank_of(ranking_, round);
  if (micro && (!standing_ || is_better(ranking_, *micro, standing_->micro))) stand(round, *micro);
  if (!standing_ || written_) return false;
  if (Status done = write(); !done) return done.error();
  return true;
}

// It is the best even where its file cannot be written: no worse one takes its place.
void BestModel::stand(const RoundRecord& round, std::int64_t micro) {
  standing_ = Standing{round.round, ranking_, micro, round.result.model_root};
  written_ = false;
}

Status BestModel::write() {
  Status done = checkpoints_->keep_as_best(standing_->round, standing_->model_root);
  written_ = done.ok();
  return done;
}

}  // namespace gradmint
