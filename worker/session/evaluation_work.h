// Attests a new model's figures on this worker's own held-out data: commits to them, then reveals
// them once the ledger lets it. Pure, not thread safe.
#pragma once

#include <map>
#include <optional>

#include "worker/session/config.h"
#include "worker/session/stations.h"

namespace gradmint::session {

class EvaluationWork {
 public:
  EvaluationWork(const Config& config, const std::vector<EvaluationMemory>& memory);

  // The coordinator asks for an attestation of this round's model, and waits for it until then
  // (0: not told).
  void advance(const AttemptKey& attempt, const Hash& model_root, std::uint64_t deadline_at_ms,
               const Stations& stations);
  void take(const EvaluationEnded& ended, Outgoing& out);
  // Without samples to judge a model on, every request is declined at once.
  void set_attests(bool attests) { attests_ = attests; }
  void take(const Settled& settled, Outgoing& out);

 private:
  enum class Stage : std::uint8_t { idle, running, commit, reveal, done };
  const EvaluationMemory* memory_of(std::uint64_t round, const Hash& model_root) const;
  void begin(std::uint64_t round, const Hash& model_root);
  void start(std::uint64_t deadline_at_ms, Outgoing& out);
  void decline(const std::string& why, Outgoing& out);

  const Config& config_;
  std::map<std::uint64_t, EvaluationMemory> memory_;  // by round
  Stage stage_ = Stage::idle;
  bool attests_ = true, told_ = false;
  std::uint64_t round_ = 0;
  std::uint32_t attempt_ = 0;
  Hash model_root_;
  std::uint64_t not_before_ms_ = 0;
};

}  // namespace gradmint::session
