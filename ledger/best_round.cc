#include "ledger/best_round.h"

namespace gradmint {

Result<Ranking> parse_ranking(const std::string& text) {
  const std::size_t space = text.find(' ');
  Ranking ranking;
  ranking.metric = space == std::string::npos ? text : text.substr(space + 1);
  const std::string word = space == std::string::npos ? "" : text.substr(0, space);
  ranking.lowest = word.empty() ? ranking.metric == "loss" : word == "lowest";
  const bool is_word = word.empty() || word == "lowest" || word == "highest";
  if (is_word && is_metric_name(ranking.metric)) return ranking;
  return Error{ErrorCode::bad_input, "'" + text +
                                         "' ranks nothing: write a metric's name, 'accuracy', or "
                                         "'lowest NAME' or 'highest NAME'"};
}

std::optional<std::int64_t> rank_of(const Ranking& ranking, const RoundRecord& settled) {
  if (settled.phase != RoundPhase::settled) return std::nullopt;
  const MetricSummary* summary = find_summary(settled.metrics, ranking.metric);
  if (summary == nullptr || !summary->median || is_saturated(*summary->median)) return std::nullopt;
  return summary->median;
}

bool is_better(const Ranking& ranking, std::int64_t micro, std::int64_t than) {
  return ranking.lowest ? micro < than : micro > than;
}

std::optional<RoundRecord> best_round(const StateReader& state, const Ranking& ranking) {
  std::optional<RoundRecord> best;
  std::int64_t best_micro = 0;
  const std::uint64_t newest = job_of(state).round;
  for (std::uint64_t round = 1; round <= newest; ++round) {
    auto record = get<RoundRecord>(state, state_key::round(round));
    if (!record) continue;
    const auto micro = rank_of(ranking, *record);
    if (!micro || (best && !is_better(ranking, *micro, best_micro))) continue;
    best = std::move(record);
    best_micro = *micro;
  }
  return best;
}

}  // namespace gradmint
