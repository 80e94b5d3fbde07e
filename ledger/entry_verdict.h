// The verdict that is due to each commitment of a closed attempt: one function, by which a reveal
// is admitted, a result is executed and checked, and an attempt that was given up is tried again.
// Pure.
#pragma once

#include <map>

#include "ledger/model/layout.h"
#include "ledger/state.h"

namespace gradmint {

// What is known of one commitment when its attempt ends.
struct EntryFacts {
  AccountId worker;
  Verdict closed = Verdict::ok;      // by the close: ok or out_of_range
  const Opening* opening = nullptr;  // checked against the commitment; null: nothing was revealed
  // Who may use the opening's root in this attempt (RootClaims, recorded_owner); zero where it
  // belongs to an earlier round. Of no matter without an opening.
  AccountId root_owner;
};

// The first of these that applies: out_of_range (the close excluded it), not_revealed,
// wrong_encoding, wrong_size, root_seen_before. ok: the ledger has nothing against it, and the
// payload decides.
Verdict due_verdict(const EntryFacts& facts, const OpenRound& open, const ModelSize& size);

// The refusals that are facts about a payload. Each may stand where the verdict due is ok, and is
// recomputed by whoever holds the payload (execute_round.h). A payload that does not hash to its
// root has none: nobody could check such a refusal.
constexpr bool is_payload_refusal(Verdict verdict) {
  return verdict == Verdict::non_finite || verdict == Verdict::malformed_payload ||
         verdict == Verdict::exponent_mismatch;
}
// Whether the payload was read for this verdict of an entry.
constexpr bool judged_from_payload(Verdict verdict) {
  return verdict == Verdict::ok || is_payload_refusal(verdict);
}
// The refusals that are facts about what was committed: the opening stands with them.
constexpr bool is_opening_refusal(Verdict verdict) {
  return verdict == Verdict::wrong_encoding || verdict == Verdict::wrong_size ||
         verdict == Verdict::root_seen_before;
}
// Whether a worker whose entry has this verdict gave an update: a refused one is one, too.
constexpr bool gave_update(Verdict verdict) { return verdict != Verdict::not_revealed; }

// Who may use which revealed root in an attempt. Among those who revealed one root the one who
// committed first keeps it; for the others, and where an earlier round or another worker of an
// earlier attempt had it, it was seen before. `openings` are of workers that committed in this
// attempt, each checked against its commitment. `state` still has the commitments.
class RootClaims {
 public:
  RootClaims(const StateReader& state, const RoundRecord& round,
             const std::map<AccountId, Opening>& openings);
  // `root` is one of the openings'.
  AccountId owner(const Hash& root) const;
  void record(StateDelta& state) const;  // so that nobody can use them again

 private:
  std::uint64_t round_ = 0;
  std::map<Hash, AccountId> owners_;
};
// The same from a state in which the attempt's claims are recorded; nothing where no payload of
// this root is.
std::optional<AccountId> recorded_owner(const StateReader& state, std::uint64_t round,
                                        const Hash& root);

// The verdict due to each entry of the close, in its order. `claims` are of the same openings.
std::vector<Verdict> due_verdicts(const RoundRecord& round, const ModelSize& size,
                                  const std::map<AccountId, Opening>& openings,
                                  const RootClaims& claims);
// The same before there is a result, from what was revealed so far.
std::vector<Verdict> ledger_verdicts(const StateReader& state, const RoundRecord& round,
                                     const ModelSize& size,
                                     const std::map<AccountId, Opening>& openings);
// The same of an attempt that was given up, from the state after it: its commitments are gone, its
// claims are recorded.
std::vector<Verdict> abandoned_verdicts(const StateReader& state, const OpenRound& open,
                                        const CloseCommits& close, const AbandonRound& body,
                                        const ModelSize& size);
std::map<AccountId, Opening> openings_of(const AbandonRound& body);

}  // namespace gradmint
