#include "ledger/settle_plan.h"

#include <map>

namespace gradmint {

SettleRound plan_settlement(const RoundRecord& round,
                            const std::vector<std::pair<AccountId, CommitRecord>>& commits,
                            const std::vector<EvaluationRecord>& evaluations) {
  std::vector<WeightedMetrics> attested, trained;
  for (const EvaluationRecord& evaluation : evaluations)
    if (evaluation.revealed)
      attested.push_back({evaluation.body.examples, evaluation.body.metrics});
  std::map<AccountId, std::uint32_t> weights;  // of accepted updates
  for (std::size_t i = 0; i < round.result.entries.size(); ++i) {
    const ResultEntry& entry = round.result.entries[i];
    if (entry.verdict == Verdict::ok) weights[entry.worker] = round.close.entries[i].weight;
  }
  for (const auto& [worker, commit] : commits) {
    const auto weight = weights.find(worker);
    if (weight != weights.end()) trained.push_back({weight->second, commit.body.metrics});
  }
  SettleRound settle;
  settle.round = round.round;
  settle.attestations = static_cast<std::uint32_t>(attested.size());
  settle.metrics = summarise(attested);
  settle.training = summarise(trained);
  return settle;
}

}  // namespace gradmint
