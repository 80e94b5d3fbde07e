// What this coordinator's own evaluator has said of a model, kept from before its commitment goes
// on the ledger until the round is settled: started anew in between it must reveal the very figures
// that it has committed to, and an evaluator asked twice may say others.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ledger/records.h"
#include "ledger/store.h"

namespace gradmint {

// Synced before it returns.
Status remember_evaluation(LedgerStore& store, const Hash& model_root,
                           const RevealEvaluation& evaluation);
// Nothing where none is kept of that round and model.
Result<std::optional<RevealEvaluation>> remembered_evaluation(const LedgerStore& store,
                                                              std::uint64_t round,
                                                              const Hash& model_root);
// The keys among the store's pending ones that are of other rounds: of no use any more.
Result<std::vector<std::string>> needless_evaluations(const LedgerStore& store,
                                                      std::uint64_t but_round);

}  // namespace gradmint
