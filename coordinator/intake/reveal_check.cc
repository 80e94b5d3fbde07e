#include "coordinator/intake/reveal_check.h"

#include <algorithm>

#include "ledger/apply.h"
#include "ledger/kernel_spec.h"

namespace gradmint {
namespace {

const CommitRecord* commit_of(const RoundView& view, const AccountId& worker) {
  const auto it = std::find_if(view.commits.begin(), view.commits.end(),
                               [&](const auto& entry) { return entry.first == worker; });
  return it == view.commits.end() ? nullptr : &it->second;
}

Verdict closed_verdict(const RoundRecord& round, const AccountId& worker) {
  for (const CloseEntry& entry : round.close.entries) {
    if (entry.worker == worker) return entry.verdict;
  }
  return Verdict::unknown_worker;
}

Verdict check_phase(const RoundView& view, const Reveal& reveal) {
  if (!view.round || view.round->round != reveal.round) return Verdict::wrong_round;
  if (view.round->attempt != reveal.attempt) return Verdict::wrong_attempt;
  if (view.round->phase == RoundPhase::training) return Verdict::wrong_phase;
  return view.round->phase == RoundPhase::revealing ? Verdict::ok : Verdict::late;
}

}  // namespace

Verdict check_reveal(const RoundView& view, const StateReader& state, const Hash& open_block,
                     const ModelSize& size,
                     const std::vector<std::pair<AccountId, Opening>>& others,
                     const Reveal& reveal) {
  if (const Verdict v = check_phase(view, reveal); v != Verdict::ok) return v;
  const CommitRecord* commit = commit_of(view, reveal.worker);
  if (commit == nullptr) return Verdict::unknown_worker;
  if (const Verdict v = closed_verdict(*view.round, reveal.worker); v != Verdict::ok) return v;
  if (reveal.encoding > static_cast<std::uint8_t>(Encoding::top_k)) {
    return Verdict::unsupported_encoding;
  }
  const Opening& opening = reveal.opening;
  if (update_commitment(open_block, reveal.worker, opening) != commit->body.commitment) {
    return Verdict::commitment_mismatch;
  }
  if (const Verdict v = shape_verdict(view.round->open, opening, size); v != Verdict::ok) {
    return v;
  }
  return root_verdict(state, *view.round, reveal.worker, opening, others);
}

bool is_final_refusal(Verdict verdict) {
  return verdict == Verdict::wrong_encoding || verdict == Verdict::wrong_size ||
         verdict == Verdict::root_seen_before;
}

bool opens_nothing(Verdict verdict) {
  return verdict == Verdict::unsupported_encoding || verdict == Verdict::commitment_mismatch;
}

}  // namespace gradmint
