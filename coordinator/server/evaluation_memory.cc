#include "coordinator/server/evaluation_memory.h"

namespace gradmint {
namespace {

const std::string kPrefix = "evaluation/";

std::string key_of(std::uint64_t round) { return kPrefix + std::to_string(round); }

struct Kept {
  Hash model_root;
  RevealEvaluation evaluation;
  void write(Writer& w) const {
    evaluation.write(w);
    w.hash(model_root);
  }
  void read(Reader& r) {
    evaluation.read(r);
    model_root = r.hash();
  }
};

}  // namespace

Status remember_evaluation(LedgerStore& store, const Hash& model_root,
                           const RevealEvaluation& evaluation) {
  return store.put_pending(key_of(evaluation.round), encode_record(Kept{model_root, evaluation}));
}

Result<std::optional<RevealEvaluation>> remembered_evaluation(const LedgerStore& store,
                                                              std::uint64_t round,
                                                              const Hash& model_root) {
  const auto pending = store.pending();
  if (!pending) return pending.error();
  const auto found = pending->find(key_of(round));
  if (found == pending->end()) return std::optional<RevealEvaluation>{};
  const auto kept = decode_record<Kept>(found->second);
  if (!kept || kept->model_root != model_root) return std::optional<RevealEvaluation>{};
  return std::optional<RevealEvaluation>(kept->evaluation);
}

Result<std::vector<std::string>> needless_evaluations(const LedgerStore& store,
                                                      std::uint64_t but_round) {
  const auto pending = store.pending();
  if (!pending) return pending.error();
  std::vector<std::string> keys;
  for (const auto& [key, value] : *pending)
    if (key.starts_with(kPrefix) && key != key_of(but_round)) keys.push_back(key);
  return keys;
}

}  // namespace gradmint
