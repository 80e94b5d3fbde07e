// Opening a round, committing to it, closing and abandoning it.
#include <algorithm>

#include "ledger/apply.h"
#include "ledger/close_plan.h"
#include "ledger/entry_verdict.h"
#include "ledger/hash.h"
#include "ledger/kernel_spec.h"
#include "ledger/round_timing.h"
#include "ledger/scaler.h"

namespace gradmint {

namespace apply {
namespace {

bool is_validator(const StateReader& state, const AccountId& sender) {
  const auto account = get<AccountRecord>(state, state_key::account(sender));
  return account && account->is_validator;
}

Verdict check_turn(const OpenRound& body, const StateReader& state, const JobRecord& job) {
  const auto current = current_round(state);
  if (!current || current->phase == RoundPhase::settled) {
    if (body.round != job.round + 1) return Verdict::wrong_round;
    return body.attempt == 0 ? Verdict::ok : Verdict::wrong_attempt;
  }
  if (current->phase != RoundPhase::abandoned) return Verdict::wrong_phase;
  if (body.round != job.round) return Verdict::wrong_round;
  return body.attempt == current->attempt + 1 ? Verdict::ok : Verdict::wrong_attempt;
}

bool may_evaluate(const StateReader& state, const OpenRound& body, const AccountId& evaluator) {
  return std::binary_search(body.members.begin(), body.members.end(), evaluator) ||
         is_validator(state, evaluator);
}

// The round this statement is about, if it is the current one, in this attempt.
Verdict find_round(const StateReader& state, std::uint64_t round, std::uint32_t attempt,
                   std::optional<RoundRecord>& out) {
  out = current_round(state);
  if (!out || out->round != round) return Verdict::wrong_round;
  return out->attempt == attempt ? Verdict::ok : Verdict::wrong_attempt;
}

}  // namespace

Verdict open_round(const OpenRound& body, const Sender& sender, const ApplyContext& context,
                   StateDelta& state) {
  if (!is_validator(state, sender)) return Verdict::not_authorised;
  if (context.summed_columns != 0 && !fixed_scaler(state)) return Verdict::scaler_missing;
  JobRecord job = job_of(state);
  if (const Verdict v = check_turn(body, state, job); v != Verdict::ok) return v;
  if (body.model_root != job.model_root || body.optimizer_root != job.optimizer_root) {
    return Verdict::wrong_model;
  }
  if (!specification_stands(body.aggregation)) return Verdict::wrong_specification;
  if (body.members != members_of(state) || body.members.size() > kMaxMembers) {
    return Verdict::wrong_members;
  }
  if (!enough_updates(body, body.members.size())) return Verdict::too_few_updates;
  if (body.evaluators.empty()) return Verdict::not_evaluator;
  for (const AccountId& evaluator : body.evaluators) {
    if (!may_evaluate(state, body, evaluator)) return Verdict::not_evaluator;
  }
  RoundRecord record;
  record.round = body.round;
  record.attempt = body.attempt;
  record.open_height = context.height;
  record.open = body;
  put(state, state_key::round(body.round), record);
  if (job.round != body.round) job.registrations = 0;
  job.round = body.round;
  put(state, state_key::kJob, job);
  return Verdict::ok;
}

Verdict commit_update(const CommitUpdate& body, const Sender& sender, const ApplyContext& context,
                      StateDelta& state) {
  std::optional<RoundRecord> round;
  if (const Verdict v = find_round(state, body.round, body.attempt, round); v != Verdict::ok) {
    return v;
  }
  if (round->phase != RoundPhase::training) return Verdict::late;
  // The commitment is bound to the block that opened the round, so that block must be final.
  if (round->open_height >= context.height) return Verdict::wrong_phase;
  const OpenRound& open = round->open;
  if (!std::binary_search(open.members.begin(), open.members.end(), sender)) {
    return Verdict::not_member;
  }
  if (state.find(state_key::suspension(sender))) return Verdict::suspended;
  const std::string key = state_key::commit(body.round, body.attempt, sender);
  if (state.find(key)) return Verdict::duplicate;
  const auto dataset = get<DatasetRecord>(state, state_key::dataset(body.dataset));
  if (!dataset || dataset->owner != sender) return Verdict::unknown_dataset;
  if (body.examples == 0) return Verdict::no_examples;
  if (body.examples > std::min(dataset->manifest.sample_count, open.limits.max_examples)) {
    return Verdict::too_many_examples;
  }
  if (body.exponent < kNoExponent || body.exponent > kMaxExponent) {
    return Verdict::exponent_out_of_bounds;
  }
  CommitRecord record;
  record.body = body;
  record.height = context.height;
  record.order = commits_of(state, body.round, body.attempt).size();
  put(state, key, record);
  return Verdict::ok;
}

Verdict close_commits(const CloseCommits& body, const Sender& sender, StateDelta& state) {
  if (!is_validator(state, sender)) return Verdict::not_authorised;
  std::optional<RoundRecord> round;
  if (const Verdict v = find_round(state, body.round, body.attempt, round); v != Verdict::ok) {
    return v;
  }
  if (round->phase != RoundPhase::training) return Verdict::wrong_phase;
  const auto head = state.find(state_key::seed_head(sender));
  const Hash next = sha256(body.seed_preimage.view());
  if (!head || !std::equal(head->begin(), head->end(), next.bytes.begin(), next.bytes.end())) {
    return Verdict::wrong_seed;
  }
  const auto commits = commits_of(state, body.round, body.attempt);
  if (!enough_updates(round->open, commits.size())) return Verdict::too_few_updates;

  const CloseCommits expected = plan_close(body.round, body.attempt, body.seed_preimage, commits);
  if (body.exponent != expected.exponent || body.shift != expected.shift) {
    return Verdict::wrong_scale;
  }
  if (body.entries.size() != expected.entries.size()) return Verdict::wrong_order;
  for (std::size_t i = 0; i < body.entries.size(); ++i) {
    if (body.entries[i].worker != expected.entries[i].worker) return Verdict::wrong_order;
    if (body.entries[i] != expected.entries[i]) return Verdict::wrong_weights;
  }
  round->phase = RoundPhase::revealing;
  round->close = body;
  put(state, state_key::round(body.round), *round);
  state.put(state_key::seed_head(sender),
            {body.seed_preimage.bytes.begin(), body.seed_preimage.bytes.end()});
  return Verdict::ok;
}

Verdict abandon_round(const AbandonRound& body, const Sender& sender, const ApplyContext& context,
                      StateDelta& state) {
  if (!is_validator(state, sender)) return Verdict::not_authorised;
  std::optional<RoundRecord> round;
  if (const Verdict v = find_round(state, body.round, body.attempt, round); v != Verdict::ok) {
    return v;
  }
  const Verdict may = abandonment_verdict(round->phase, body.reason, !body.revealed.empty());
  if (may != Verdict::ok) return may;
  for (const RevealedRoot& revealed : body.revealed) {
    const auto commit =
        get<CommitRecord>(state, state_key::commit(body.round, body.attempt, revealed.worker));
    if (!commit || update_commitment(context.history[round->open_height], revealed.worker,
                                     revealed.opening) != commit->body.commitment) {
      return Verdict::commitment_mismatch;
    }
  }
  RootClaims(state, *round, openings_of(body)).record(state);
  for (const auto& [worker, commit] : commits_of(state, body.round, body.attempt)) {
    state.remove(state_key::commit(body.round, body.attempt, worker));
  }
  round->phase = RoundPhase::abandoned;
  round->open.members.clear();
  round->open.evaluators.clear();
  round->close = CloseCommits{};
  put(state, state_key::round(body.round), *round);
  return Verdict::ok;
}

}  // namespace apply
}  // namespace gradmint
