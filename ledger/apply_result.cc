// The result of a round: what was accepted, what was refused and why. What can be checked without
// the payloads is checked here; the rest (sums, scores, payload refusals) is recomputed from the
// blobs by whoever holds them (ledger/audit).
#include "ledger/apply.h"
#include "ledger/kernel_spec.h"

namespace gradmint {
RootClaims::RootClaims(const StateReader& state, const RoundRecord& round,
                       const std::vector<std::pair<AccountId, Opening>>& openings)
    : round_(round.round) {
  std::map<AccountId, std::uint64_t> order;
  for (const auto& [worker, commit] : commits_of(state, round.round, round.attempt)) {
    order[worker] = commit.order;
  }
  std::map<Hash, std::uint64_t> earliest;
  for (const auto& [worker, opening] : openings) {
    const auto own = order.find(worker);
    GRADMINT_CHECK(own != order.end());
    const auto [it, first] = earliest.emplace(opening.root, own->second);
    if (first || own->second < it->second) {
      it->second = own->second;
      owners_[opening.root] = worker;
    }
  }
  // In a retried round a worker may come back with its own update, but not with another's.
  for (auto& [root, owner] : owners_) {
    const auto seen = get<RootRecord>(state, state_key::root(root));
    if (seen) owner = seen->round == round.round ? seen->worker : AccountId{};
  }
}

Verdict RootClaims::verdict(const AccountId& worker, const Hash& root) const {
  const auto owner = owners_.find(root);
  GRADMINT_CHECK(owner != owners_.end());
  return owner->second == worker ? Verdict::ok : Verdict::root_seen_before;
}

void RootClaims::record(StateDelta& state) const {
  for (const auto& [root, owner] : owners_) {
    const std::string key = state_key::root(root);
    if (!state.find(key)) put(state, key, RootRecord{round_, owner});
  }
}

Verdict root_verdict(const StateReader& state, const RoundRecord& round, const AccountId& worker,
                     const Opening& opening,
                     const std::vector<std::pair<AccountId, Opening>>& openings) {
  auto all = openings;
  all.emplace_back(worker, opening);
  return RootClaims(state, round, all).verdict(worker, opening.root);
}

namespace apply {
namespace {

using Openings = std::vector<std::pair<AccountId, Opening>>;

constexpr std::uint64_t kOneBits = 0x3FF0'0000'0000'0000;       // of the fp64 1.0
constexpr std::uint64_t kInfinityBits = 0x7FF0'0000'0000'0000;  // of fp64

// A refused update has no factor, no say and no score.
Verdict check_refused(const ResultEntry& entry) {
  if (entry.clip_factor_bits != 0) return Verdict::wrong_clip_factors;
  if (entry.selected || entry.outside_count != 0 || entry.coefficient != 0 ||
      entry.selection_score_bits != 0) {
    return Verdict::wrong_selection;
  }
  return entry.score_ppm == 0 ? Verdict::ok : Verdict::wrong_scores;
}

// Without clipping every factor is 1; with it a factor is in [0, 1], and in that range the bits of
// fp64 ascend as its values do.
Verdict check_accepted(const ResultEntry& entry, const AggregationSpec& spec,
                       std::uint64_t parameter_count) {
  const bool clips = !spec.pre.empty();
  if (entry.clip_factor_bits > kOneBits || (!clips && entry.clip_factor_bits != kOneBits)) {
    return Verdict::wrong_clip_factors;
  }
  if (entry.outside_count > parameter_count || entry.coefficient > kMaxExamples ||
      entry.selected != (entry.coefficient > 0) || entry.selection_score_bits >= kInfinityBits) {
    return Verdict::wrong_selection;
  }
  return entry.score_ppm <= 1'000'000 ? Verdict::ok : Verdict::wrong_scores;
}

// The entries are those of the close, in its order, and every opening opens its commitment: what
// comes after may rely on it.
Verdict check_entries(const RoundResult& body, const RoundRecord& round, const Hash& open_block,
                      const StateReader& state) {
  for (std::size_t i = 0; i < body.entries.size(); ++i) {
    const ResultEntry& entry = body.entries[i];
    if (entry.worker != round.close.entries[i].worker) return Verdict::wrong_order;
    if (!entry.opening) continue;
    const auto commit =
        get<CommitRecord>(state, state_key::commit(round.round, round.attempt, entry.worker));
    GRADMINT_CHECK(commit.has_value());
    if (update_commitment(open_block, entry.worker, *entry.opening) != commit->body.commitment) {
      return Verdict::commitment_mismatch;
    }
  }
  return Verdict::ok;
}

// A refusal that the ledger alone can prove must be there when it is due, and only then.
Verdict check_verdict(const ResultEntry& entry, Verdict due, const AggregationSpec& spec,
                      std::uint64_t parameter_count) {
  if (due != Verdict::ok) {
    return entry.verdict == due ? check_refused(entry) : Verdict::wrong_rejection;
  }
  switch (entry.verdict) {
    case Verdict::ok:
      return check_accepted(entry, spec, parameter_count);
    // These are facts about the payload: the audit recomputes them from the blob. A payload that
    // does not hash to its root is none of it: nobody could check such a refusal, so there is none.
    case Verdict::non_finite:
    case Verdict::malformed_payload:
    case Verdict::exponent_mismatch:
      return check_refused(entry);
    default:
      return Verdict::wrong_rejection;
  }
}

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

  const Hash& open_block = context.history[round->open_height];
  if (const Verdict v = check_entries(body, *round, open_block, state); v != Verdict::ok) return v;
  Openings openings;
  for (const ResultEntry& entry : body.entries) {
    if (entry.opening) openings.emplace_back(entry.worker, *entry.opening);
  }
  const RootClaims claims(state, *round, openings);
  const ModelSize& size = context.genesis.task.size;
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < body.entries.size(); ++i) {
    const ResultEntry& entry = body.entries[i];
    Verdict due = round->close.entries[i].verdict;
    if (due == Verdict::ok && !entry.opening) due = Verdict::not_revealed;
    if (due == Verdict::ok) due = shape_verdict(round->open, *entry.opening, size);
    if (due == Verdict::ok) due = claims.verdict(entry.worker, entry.opening->root);
    const Verdict v = check_verdict(entry, due, round->open.aggregation, size.parameters);
    if (v != Verdict::ok) return v;
    if (entry.verdict == Verdict::ok) ++accepted;
  }
  if (accepted < round->open.limits.min_updates) return Verdict::too_few_updates;
  if (body.model_root.is_zero()) return Verdict::wrong_model;

  claims.record(state);
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
