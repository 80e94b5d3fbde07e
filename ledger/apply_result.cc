// The result of a round: what was accepted, what was refused and why. What can be checked without
// the payloads is checked here; the rest (sums, scores, payload refusals) is recomputed from the
// blobs by whoever holds them (ledger/audit).
#include <algorithm>

#include "ledger/apply.h"

namespace gradmint {
namespace {

const CommitRecord* find_commit(const std::vector<std::pair<AccountId, CommitRecord>>& commits,
                                const AccountId& worker) {
  for (const auto& [who, commit] : commits) {
    if (who == worker) return &commit;
  }
  return nullptr;
}

}  // namespace

Verdict root_verdict(const StateReader& state, const RoundRecord& round, const AccountId& worker,
                     const Opening& opening,
                     const std::vector<std::pair<AccountId, Opening>>& openings) {
  const auto seen = get<RootRecord>(state, state_key::root(opening.root));
  // In a retried round a worker may come back with its own update, but not with another's.
  if (seen && (seen->round != round.round || seen->worker != worker)) {
    return Verdict::root_seen_before;
  }
  const auto commits = commits_of(state, round.round, round.attempt);
  const CommitRecord* own = find_commit(commits, worker);
  GRADMINT_CHECK(own != nullptr);
  for (const auto& [other, theirs] : openings) {
    if (other == worker || theirs.root != opening.root) continue;
    const CommitRecord* commit = find_commit(commits, other);
    GRADMINT_CHECK(commit != nullptr);
    if (commit->order < own->order) return Verdict::root_seen_before;
  }
  return Verdict::ok;
}

namespace apply {
namespace {

// A refusal that the ledger alone can prove must be there when it is due, and only then.
struct ResultRules {
  const StateReader& state;
  const RoundRecord& round;
  const Hash& open_block;
  std::uint64_t payload_bytes;
  std::vector<std::pair<AccountId, Opening>> openings;

  Verdict due(const ResultEntry& entry, const CloseEntry& closed) const {
    if (closed.verdict != Verdict::ok) return closed.verdict;
    if (!entry.opening) return Verdict::not_revealed;
    if (entry.opening->size_bytes != payload_bytes) return Verdict::wrong_size;
    return root_verdict(state, round, entry.worker, *entry.opening, openings);
  }

  Verdict check(const ResultEntry& entry, const CloseEntry& closed) const {
    if (entry.worker != closed.worker) return Verdict::wrong_order;
    if (entry.opening) {
      const auto commit =
          get<CommitRecord>(state, state_key::commit(round.round, round.attempt, entry.worker));
      GRADMINT_CHECK(commit.has_value());
      if (update_commitment(open_block, entry.worker, *entry.opening) != commit->body.commitment) {
        return Verdict::commitment_mismatch;
      }
    }
    const Verdict expected = due(entry, closed);
    if (expected != Verdict::ok) {
      return entry.verdict == expected ? check_refused(entry) : Verdict::wrong_rejection;
    }
    switch (entry.verdict) {
      case Verdict::ok:
        return entry.score_ppm <= 1'000'000 ? Verdict::ok : Verdict::wrong_scores;
      // These three are facts about the payload: the audit recomputes them from the blob.
      case Verdict::non_finite:
      case Verdict::exponent_mismatch:
      case Verdict::hash_mismatch:
        return check_refused(entry);
      default:
        return Verdict::wrong_rejection;
    }
  }

  static Verdict check_refused(const ResultEntry& entry) {
    const bool blank = entry.clip_factor_bits == 0 && !entry.selected && entry.outside_count == 0 &&
                       entry.score_ppm == 0;
    return blank ? Verdict::ok : Verdict::wrong_scores;
  }
};

}  // namespace

Verdict round_result(const RoundResult& body, const Sender& sender, const ApplyContext& context,
                     StateDelta& state) {
  const auto account = get<AccountRecord>(state, state_key::account(sender));
  if (!account || !account->is_validator) return Verdict::not_authorised;
  auto round = current_round(state);
  if (!round || round->round != body.round) return Verdict::wrong_round;
  if (round->attempt != body.attempt) return Verdict::wrong_attempt;
  if (round->phase != RoundPhase::revealing) return Verdict::wrong_phase;
  if (body.entries.size() != round->close.entries.size()) return Verdict::incomplete_result;

  ResultRules rules{state,
                    *round,
                    context.history[round->open_height],
                    context.genesis.task.parameter_count * sizeof(float),
                    {}};
  for (const ResultEntry& entry : body.entries) {
    if (entry.opening) rules.openings.emplace_back(entry.worker, *entry.opening);
  }
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < body.entries.size(); ++i) {
    const Verdict v = rules.check(body.entries[i], round->close.entries[i]);
    if (v != Verdict::ok) return v;
    if (body.entries[i].verdict == Verdict::ok) ++accepted;
  }
  if (accepted < round->open.limits.min_updates) return Verdict::too_few_updates;
  if (body.model_root.is_zero()) return Verdict::wrong_model;

  for (const auto& [worker, opening] : rules.openings) {
    const std::string key = state_key::root(opening.root);
    if (root_verdict(state, *round, worker, opening, rules.openings) == Verdict::ok) {
      put(state, key, RootRecord{body.round, worker});
    }
  }
  round->phase = RoundPhase::evaluating;
  round->result = body;
  round->result_height = context.height;
  put(state, state_key::round(body.round), *round);
  JobRecord job = job_of(state);
  job.model_root = body.model_root;
  job.optimizer_root = body.optimizer_root;
  put(state, state_key::kJob, job);
  return Verdict::ok;
}

}  // namespace apply
}  // namespace gradmint
