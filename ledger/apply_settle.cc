// Attestations of a new model's metrics, and the settlement that pays.
#include <algorithm>
#include <set>

#include "contracts/amount.h"
#include "ledger/apply.h"
#include "ledger/entry_verdict.h"
#include "ledger/round_timing.h"
#include "ledger/settle_plan.h"

namespace gradmint::apply {
namespace {

std::vector<EvaluationRecord> evaluations_of(const StateReader& state, std::uint64_t round) {
  std::vector<EvaluationRecord> all;
  state.scan(state_key::evaluation_prefix(round), [&](const std::string&, const Bytes& value) {
    auto record = decode_record<EvaluationRecord>(value);
    GRADMINT_CHECK(record.has_value());
    all.push_back(*record);
  });
  return all;
}

EvaluationTiming timing_of(const RoundRecord& round,
                           const std::vector<EvaluationRecord>& evaluations, std::uint64_t height) {
  const auto revealed = std::count_if(evaluations.begin(), evaluations.end(),
                                      [](const EvaluationRecord& e) { return e.revealed; });
  return evaluation_timing(round, evaluations.size(), static_cast<std::size_t>(revealed), height);
}

Verdict find_evaluating(const StateReader& state, std::uint64_t number,
                        std::optional<RoundRecord>& round) {
  round = current_round(state);
  if (!round || round->round != number) return Verdict::wrong_round;
  return round->phase == RoundPhase::evaluating ? Verdict::ok : Verdict::wrong_phase;
}

}  // namespace

Verdict commit_evaluation(const CommitEvaluation& body, const Sender& sender,
                          const ApplyContext& context, StateDelta& state) {
  std::optional<RoundRecord> round;
  if (const Verdict v = find_evaluating(state, body.round, round); v != Verdict::ok) return v;
  const auto& evaluators = round->open.evaluators;
  if (!std::binary_search(evaluators.begin(), evaluators.end(), sender)) {
    return Verdict::not_evaluator;
  }
  const std::string key = state_key::evaluation(body.round, sender);
  if (state.find(key)) return Verdict::duplicate;
  const auto evaluations = evaluations_of(state, body.round);
  if (!timing_of(*round, evaluations, context.height).commits_open) return Verdict::late;
  EvaluationRecord record;
  record.commitment = body.commitment;
  put(state, key, record);
  return Verdict::ok;
}

Verdict reveal_evaluation(const RevealEvaluation& body, const Sender& sender,
                          const ApplyContext& context, StateDelta& state) {
  std::optional<RoundRecord> round;
  if (const Verdict v = find_evaluating(state, body.round, round); v != Verdict::ok) return v;
  const std::string key = state_key::evaluation(body.round, sender);
  auto record = get<EvaluationRecord>(state, key);
  if (!record) return Verdict::not_evaluator;
  if (record->revealed) return Verdict::duplicate;
  const auto evaluations = evaluations_of(state, body.round);
  if (!timing_of(*round, evaluations, context.height).reveals_open) return Verdict::wrong_phase;
  if (body.examples == 0) return Verdict::no_examples;
  if (evaluation_commitment(sender, round->result.model_root, body) != record->commitment) {
    return Verdict::commitment_mismatch;
  }
  record->revealed = true;
  record->body = body;
  put(state, key, *record);
  return Verdict::ok;
}

namespace {

struct Payment {
  contracts::RoundCloseEvent event;
  contracts::RuleOutcome outcome;
  TotalsRecord totals;
};

Verdict run_rule(const RoundRecord& round, const ApplyContext& context, const StateReader& state,
                 Payment& payment) {
  payment.totals = totals_of(state);
  TotalsRecord& totals = payment.totals;
  const std::uint64_t emission =
      contracts::emission_at(context.genesis.emission, round.round, totals.issued);
  const auto issued = contracts::checked_add(totals.issued, emission);
  const auto pool = contracts::checked_add(totals.carry, emission);
  if (!issued || !pool) return Verdict::overflow;

  payment.event.round = round.round;
  payment.event.pool = *pool;
  for (std::size_t i = 0; i < round.result.entries.size(); ++i) {
    const ResultEntry& entry = round.result.entries[i];
    contracts::Participant p;
    p.account = entry.worker.bytes;
    p.weight = round.close.entries[i].weight;
    p.score_ppm = entry.score_ppm;
    p.accepted = entry.verdict == Verdict::ok;
    payment.event.participants.push_back(p);
  }
  std::sort(payment.event.participants.begin(), payment.event.participants.end(),
            [](const auto& a, const auto& b) { return a.account < b.account; });
  payment.outcome =
      contracts::run_on_round_close(context.rule, payment.event, context.genesis.rule_limits);

  // Conservation, where it is minted: the rule cannot give more than the pool; the rest is carried.
  std::uint64_t paid = 0;
  for (const contracts::Mint& mint : payment.outcome.mints) {
    const auto sum = contracts::checked_add(paid, mint.amount);
    if (!sum || *sum > *pool) return Verdict::conservation_broken;
    paid = *sum;
  }
  totals.issued = *issued;
  totals.carry = *pool - paid;
  totals.minted += paid;
  return totals.issued == totals.minted + totals.carry ? Verdict::ok : Verdict::conservation_broken;
}

void pay(const Payment& payment, const RoundRecord& round, StateDelta& state) {
  for (const contracts::Mint& mint : payment.outcome.mints) {
    const std::string key = state_key::account(AccountId{mint.account});
    auto account = get<AccountRecord>(state, key);
    GRADMINT_CHECK(account.has_value());
    account->balance += mint.amount;  // bounded by allocated + cap, which genesis keeps below 2^63
    account->minted += mint.amount;
    put(state, key, *account);
  }
  for (const ResultEntry& entry : round.result.entries) {
    if (entry.verdict != Verdict::ok) continue;
    const std::string key = state_key::account(entry.worker);
    auto account = get<AccountRecord>(state, key);
    GRADMINT_CHECK(account.has_value());
    account->rounds_accepted += 1;
    account->score_sum_ppm += entry.score_ppm;
    put(state, key, *account);
  }
}

// Rounds in a row in which a member gave no update.
void count_missed(const RoundRecord& round, StateDelta& state) {
  std::set<AccountId> gave;
  for (const ResultEntry& entry : round.result.entries) {
    if (gave_update(entry.verdict)) gave.insert(entry.worker);
  }
  for (const AccountId& member : round.open.members) {
    const std::string key = state_key::account(member);
    auto account = get<AccountRecord>(state, key);
    GRADMINT_CHECK(account.has_value());
    const std::uint64_t missed = gave.count(member) != 0 ? 0 : account->rounds_missed + 1;
    if (missed == account->rounds_missed) continue;
    account->rounds_missed = missed;
    put(state, key, *account);
  }
}

// What later rounds need stays; who took part and how stands in the blocks.
void retire(RoundRecord& round, StateDelta& state) {
  for (const auto& [worker, commit] : commits_of(state, round.round, round.attempt)) {
    state.remove(state_key::commit(round.round, round.attempt, worker));
  }
  std::vector<std::string> keys;
  state.scan(state_key::evaluation_prefix(round.round),
             [&](const std::string& key, const Bytes&) { keys.push_back(key); });
  for (const std::string& key : keys) state.remove(key);
  round.open.members.clear();
  round.open.evaluators.clear();
  round.close.entries.clear();
  round.result.entries.clear();
}

}  // namespace

Verdict settle_round(const SettleRound& body, const Sender& sender, const ApplyContext& context,
                     StateDelta& state, TransactionReceipt& receipt) {
  const auto account = get<AccountRecord>(state, state_key::account(sender));
  if (!account || !account->is_validator) return Verdict::not_authorised;
  std::optional<RoundRecord> round;
  if (const Verdict v = find_evaluating(state, body.round, round); v != Verdict::ok) return v;

  const auto evaluations = evaluations_of(state, body.round);
  const SettleRound expected =
      plan_settlement(*round, commits_of(state, round->round, round->attempt), evaluations);
  if (!timing_of(*round, evaluations, context.height).may_settle) {
    return Verdict::evaluation_missing;
  }
  if (body != expected) return Verdict::wrong_metrics;
  Payment payment;
  if (const Verdict v = run_rule(*round, context, state, payment); v != Verdict::ok) return v;

  receipt.rule_code = static_cast<std::uint16_t>(payment.outcome.code);
  receipt.gas_used = payment.outcome.gas_used;
  receipt.mints = payment.outcome.mints;
  pay(payment, *round, state);
  count_missed(*round, state);
  put(state, state_key::kTotals, payment.totals);
  round->phase = RoundPhase::settled;
  round->attestations = body.attestations;
  round->metrics = body.metrics;
  round->training = body.training;
  retire(*round, state);
  put(state, state_key::round(body.round), *round);
  return Verdict::ok;
}

}  // namespace gradmint::apply
