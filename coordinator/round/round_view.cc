#include "coordinator/round/round_events.h"

namespace gradmint {

RoundView view_of(const Chain& chain) {
  RoundView view;
  const State& state = chain.state();
  view.height = chain.height();
  view.job = job_of(state);
  view.round = current_round(state);
  view.members = members_of(state);
  if (!view.round) return view;
  view.commits = commits_of(state, view.round->round, view.round->attempt);
  state.scan(state_key::evaluation_prefix(view.round->round),
             [&](const std::string& key, const Bytes& value) {
               const auto record = decode_record<EvaluationRecord>(value);
               GRADMINT_CHECK(record.has_value());
               view.evaluations[id_of_key(key)] = *record;
             });
  return view;
}

}  // namespace gradmint
