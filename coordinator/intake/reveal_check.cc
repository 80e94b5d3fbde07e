#include "coordinator/intake/reveal_check.h"

#include <algorithm>

#include "ledger/entry_verdict.h"

namespace gradmint {
namespace {

const CommitRecord* commit_of(const RoundView& view, const AccountId& worker) {
  const auto it = std::find_if(view.commits.begin(), view.commits.end(),
                               [&](const auto& entry) { return entry.first == worker; });
  return it == view.commits.end() ? nullptr : &it->second;
}

const CloseEntry* entry_of(const RoundRecord& round, const AccountId& worker) {
  const auto& entries = round.close.entries;
  const auto it = std::find_if(entries.begin(), entries.end(),
                               [&](const CloseEntry& entry) { return entry.worker == worker; });
  return it == entries.end() ? nullptr : &*it;
}

Verdict check_phase(const RoundView& view, const Reveal& reveal) {
  if (!view.round || view.round->round != reveal.round) return Verdict::wrong_round;
  if (view.round->attempt != reveal.attempt) return Verdict::wrong_attempt;
  if (view.round->phase == RoundPhase::training) return Verdict::wrong_phase;
  return view.round->phase == RoundPhase::revealing ? Verdict::ok : Verdict::late;
}

}  // namespace

Verdict check_reveal(const RoundView& view, const StateReader& state, const Hash& open_block,
                     const ModelSize& size, const std::map<AccountId, Opening>& others,
                     const Reveal& reveal) {
  if (const Verdict v = check_phase(view, reveal); v != Verdict::ok) return v;
  const RoundRecord& round = *view.round;
  const CommitRecord* commit = commit_of(view, reveal.worker);
  const CloseEntry* entry = entry_of(round, reveal.worker);
  if (commit == nullptr || entry == nullptr) return Verdict::unknown_worker;
  // What was excluded at the close is so whatever it opens.
  EntryFacts facts{reveal.worker, entry->verdict, nullptr, {}};
  const Verdict closed = due_verdict(facts, round.open, size);
  if (closed != Verdict::not_revealed) return closed;
  if (reveal.encoding > static_cast<std::uint8_t>(Encoding::top_k)) {
    return Verdict::unsupported_encoding;
  }
  if (update_commitment(open_block, reveal.worker, reveal.opening) != commit->body.commitment) {
    return Verdict::commitment_mismatch;
  }
  std::map<AccountId, Opening> openings = others;
  openings[reveal.worker] = reveal.opening;
  facts.opening = &reveal.opening;
  facts.root_owner = RootClaims(state, round, openings).owner(reveal.opening.root);
  return due_verdict(facts, round.open, size);
}

bool is_final_refusal(Verdict verdict) { return is_opening_refusal(verdict); }

bool opens_nothing(Verdict verdict) {
  return verdict == Verdict::unsupported_encoding || verdict == Verdict::commitment_mismatch;
}

}  // namespace gradmint
