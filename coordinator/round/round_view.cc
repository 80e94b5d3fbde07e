#include "coordinator/round/round.h"
#include "ledger/scaler.h"

namespace gradmint {

RoundView view_of(const Chain& chain) {
  RoundView view;
  const State& state = chain.state();
  view.height = chain.height();
  view.job = job_of(state);
  view.round = current_round(state);
  view.members = members_of(state);
  if (chain.summed_columns() != 0 && !fixed_scaler(state)) view.stated = stated_members(state);
  if (!view.round) return view;
  if (view.round->phase == RoundPhase::settled) {
    for (const AccountId& member : view.members) {
      const auto account = get<AccountRecord>(state, state_key::account(member));
      GRADMINT_CHECK(account.has_value());
      if (account->rounds_missed > 0) view.missed[member] = account->rounds_missed;
    }
  }
  view.commits = commits_of(state, view.round->round, view.round->attempt);
  state.scan(state_key::evaluation_prefix(view.round->round),
             [&](const std::string& key, const Bytes& value) {
               const auto record = decode_record<EvaluationRecord>(value);
               GRADMINT_CHECK(record.has_value());
               view.evaluations[id_of_key(key)] = *record;
             });
  return view;
}

OpenRound next_open_round(const RoundPolicy& policy, const RoundView& view) {
  OpenRound open;
  const bool retry = view.round && view.round->phase == RoundPhase::abandoned;
  open.round = retry ? view.job.round : view.job.round + 1;
  open.attempt = retry ? view.round->attempt + 1 : 0;
  open.model_root = view.job.model_root;
  open.optimizer_root = view.job.optimizer_root;
  open.aggregation = policy.aggregation;
  open.training = policy.training;
  open.training.seed = policy.training.seed + open.round;
  open.encoding = policy.encoding;
  open.limits = policy.limits;
  open.members = view.members;
  open.evaluators = policy.evaluate_here ? std::vector<AccountId>{policy.self} : view.members;
  return open;
}

}  // namespace gradmint
