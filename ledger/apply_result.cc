// The result of a round: what was accepted, what was refused and why. What can be checked without
// the payloads is checked here; the rest (sums, scores, payload refusals) is recomputed from the
// blobs by whoever holds them (ledger/audit).
#include "ledger/apply.h"
#include "ledger/entry_verdict.h"
#include "ledger/round_timing.h"

namespace gradmint::apply {
namespace {

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
  if (entry.verdict == Verdict::ok) return check_accepted(entry, spec, parameter_count);
  // The audit recomputes these from the blob.
  return is_payload_refusal(entry.verdict) ? check_refused(entry) : Verdict::wrong_rejection;
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
  std::map<AccountId, Opening> openings;
  for (const ResultEntry& entry : body.entries) {
    if (entry.opening) openings[entry.worker] = *entry.opening;
  }
  const RootClaims claims(state, *round, openings);
  const ModelSize& size = context.genesis.task.size;
  const std::vector<Verdict> due = due_verdicts(*round, size, openings, claims);
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < body.entries.size(); ++i) {
    const ResultEntry& entry = body.entries[i];
    const Verdict v = check_verdict(entry, due[i], round->open.aggregation, size.parameters);
    if (v != Verdict::ok) return v;
    if (entry.verdict == Verdict::ok) ++accepted;
  }
  if (!enough_updates(round->open, accepted)) return Verdict::too_few_updates;
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

}  // namespace gradmint::apply
