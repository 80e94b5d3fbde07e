// A round up to its close, and attempts that are given up.
#include "tests/ledger/verdict_cases.h"

namespace gradmint::test {
namespace {

using V = Verdict;

template <class Change>
Verdict open_changed(World& w, Change change) {
  OpenRound body = w.open_body();
  change(body);
  return w.ask(w.validator(), body);
}
template <class Change>
Verdict commit_changed(World& w, Change change) {
  CommitUpdate body = w.commit_body(0);
  change(body);
  return w.ask(w.workers[0], body);
}
template <class Change>
Verdict close_changed(World& w, Change change) {
  CloseCommits body = w.close_body();
  change(body);
  return w.ask(w.validator(), body);
}
template <class Change>
Verdict abandon_changed(World& w, Change change) {
  AbandonRound body = w.abandon_body();
  change(body);
  return w.ask(w.validator(), body);
}

std::vector<Case> open_cases() {
  return {
      {"round 1", Stage::enrolled, [](World& w) { return w.ask(w.validator(), w.open_body()); },
       V::ok},
      {"opened by a worker", Stage::enrolled,
       [](World& w) { return w.ask(w.workers[0], w.open_body()); }, V::not_authorised},
      {"round 2 before round 1", Stage::enrolled,
       [](World& w) { return open_changed(w, [](OpenRound& b) { b.round = 2; }); }, V::wrong_round},
      {"a first attempt that calls itself the second", Stage::enrolled,
       [](World& w) { return open_changed(w, [](OpenRound& b) { b.attempt = 1; }); },
       V::wrong_attempt},
      {"the next round while one runs", Stage::opened,
       [](World& w) { return w.ask(w.validator(), w.open_body()); }, V::wrong_phase},
      {"the next round after settlement", Stage::settled,
       [](World& w) { return w.ask(w.validator(), w.open_body()); }, V::ok},
      {"the next round from the first model", Stage::settled,
       [](World& w) {
         return open_changed(w, [&](OpenRound& b) { b.model_root = w.genesis.task.model_root; });
       },
       V::wrong_model},
      {"another model", Stage::enrolled,
       [](World& w) { return open_changed(w, [](OpenRound& b) { b.model_root = hash_of("m"); }); },
       V::wrong_model},
      {"another optimizer state", Stage::enrolled,
       [](World& w) {
         return open_changed(w, [](OpenRound& b) { b.optimizer_root = hash_of("o"); });
       },
       V::wrong_model},
      {"an aggregator nobody knows", Stage::enrolled,
       [](World& w) {
         return open_changed(w, [](OpenRound& b) { b.aggregation.aggregator.name = "magic"; });
       },
       V::wrong_specification},
      {"an optimizer nobody knows", Stage::enrolled,
       [](World& w) {
         return open_changed(w, [](OpenRound& b) { b.aggregation.optimizer.name = "magic"; });
       },
       V::wrong_specification},
      {"a parameter left to a default", Stage::enrolled,
       [](World& w) {
         return open_changed(w, [](OpenRound& b) { b.aggregation.optimizer.parameters.clear(); });
       },
       V::wrong_specification},
      {"a parameter that is not a number", Stage::enrolled,
       [](World& w) {
         return open_changed(
             w, [](OpenRound& b) { b.aggregation.optimizer.parameters[0].bits = 0x7fc00000; });
       },
       V::wrong_specification},
      {"a member left out", Stage::enrolled,
       [](World& w) { return open_changed(w, [](OpenRound& b) { b.members.pop_back(); }); },
       V::wrong_members},
      {"a member who has no dataset", Stage::enrolled,
       [](World& w) {
         return open_changed(w, [&](OpenRound& b) {
           b.members.push_back(w.validator().account());
           std::sort(b.members.begin(), b.members.end());
         });
       },
       V::wrong_members},
      {"members out of order", Stage::enrolled,
       [](World& w) {
         return open_changed(w, [](OpenRound& b) { std::swap(b.members[0], b.members[1]); });
       },
       V::malformed},
      {"more updates wanted than there are members", Stage::enrolled,
       [](World& w) { return open_changed(w, [](OpenRound& b) { b.limits.min_updates = 5; }); },
       V::too_few_updates},
      {"nobody has enrolled", Stage::fresh,
       [](World& w) { return w.ask(w.validator(), w.open_body()); }, V::too_few_updates},
      {"no evaluator", Stage::enrolled,
       [](World& w) { return open_changed(w, [](OpenRound& b) { b.evaluators.clear(); }); },
       V::not_evaluator},
      {"a stranger as evaluator", Stage::enrolled,
       [](World& w) {
         return open_changed(w, [](OpenRound& b) { b.evaluators = {hash_of("stranger")}; });
       },
       V::not_evaluator},
      {"a worker as evaluator", Stage::enrolled,
       [](World& w) {
         return open_changed(w, [&](OpenRound& b) { b.evaluators = {w.workers[1].account()}; });
       },
       V::ok},
  };
}

std::vector<Case> commit_cases() {
  return {
      {"a commitment", Stage::opened,
       [](World& w) { return w.ask(w.workers[0], w.commit_body(0)); }, V::ok},
      {"no round is open", Stage::enrolled,
       [](World& w) {
         return w.ask(w.workers[0], CommitUpdate{1, 0, {}, 0, 1, 1, {}, {}});
       },
       V::wrong_round},
      {"another round", Stage::opened,
       [](World& w) { return commit_changed(w, [](CommitUpdate& b) { b.round = 2; }); },
       V::wrong_round},
      {"another attempt", Stage::opened,
       [](World& w) { return commit_changed(w, [](CommitUpdate& b) { b.attempt = 1; }); },
       V::wrong_attempt},
      {"after the close", Stage::closed,
       [](World& w) { return w.ask(w.workers[0], w.commit_body(0)); }, V::late},
      {"in the block that opens the round", Stage::enrolled,
       [](World& w) {
         const CommitUpdate body{1, 0, hash_of("c"), 0, 1, 1, hash_of("d"), {}};
         return w.play({w.say(w.validator(), w.open_body()), w.say(w.workers[0], body)}).back();
       },
       V::wrong_phase},
      {"by a worker who registered meanwhile", Stage::opened,
       [](World& w) {
         w.workers.push_back(key_of("late"));
         w.must(w.workers.back(), w.registration(4));
         w.must(w.workers.back(), w.dataset(4));
         return w.ask(w.workers.back(), w.commit_body(4));
       },
       V::not_member},
      {"by a validator", Stage::opened,
       [](World& w) { return w.ask(w.validator(), w.commit_body(0)); }, V::not_member},
      {"a second commitment", Stage::committed,
       [](World& w) { return w.ask(w.workers[0], w.commit_body(0)); }, V::duplicate},
      {"a dataset that was never registered", Stage::opened,
       [](World& w) { return commit_changed(w, [](CommitUpdate& b) { b.dataset = Hash{}; }); },
       V::unknown_dataset},
      {"another's dataset", Stage::opened,
       [](World& w) {
         return commit_changed(w, [&](CommitUpdate& b) { b.dataset = w.commit_body(1).dataset; });
       },
       V::unknown_dataset},
      {"no examples", Stage::opened,
       [](World& w) { return commit_changed(w, [](CommitUpdate& b) { b.examples = 0; }); },
       V::no_examples},
      {"all examples of the manifest", Stage::opened,
       [](World& w) {
         return commit_changed(w, [](CommitUpdate& b) { b.examples = World::kSamples; });
       },
       V::ok},
      {"one example more than the manifest has", Stage::opened,
       [](World& w) {
         return commit_changed(w, [](CommitUpdate& b) { b.examples = World::kSamples + 1; });
       },
       V::too_many_examples},
      {"more examples than the round allows", Stage::enrolled,
       [](World& w) {
         OpenRound open = w.open_body();
         open.limits.max_examples = 7;
         w.must(w.validator(), open);
         return commit_changed(w, [](CommitUpdate& b) { b.examples = 8; });
       },
       V::too_many_examples},
      {"an exponent below all fp32", Stage::opened,
       [](World& w) { return commit_changed(w, [](CommitUpdate& b) { b.exponent = -151; }); },
       V::exponent_out_of_bounds},
      {"an exponent above all fp32", Stage::opened,
       [](World& w) { return commit_changed(w, [](CommitUpdate& b) { b.exponent = 129; }); },
       V::exponent_out_of_bounds},
      {"no exponent, of zeros", Stage::opened,
       [](World& w) {
         return commit_changed(w, [](CommitUpdate& b) { b.exponent = kNoExponent; });
       },
       V::ok},
      {"the least and the largest exponent", Stage::opened,
       [](World& w) {
         const Verdict least = commit_changed(w, [](CommitUpdate& b) { b.exponent = -149; });
         const Verdict largest = commit_changed(w, [](CommitUpdate& b) { b.exponent = 128; });
         return least == V::ok ? largest : least;
       },
       V::ok},
  };
}

std::vector<Case> close_cases() {
  return {
      {"a close", Stage::committed, [](World& w) { return w.ask(w.validator(), w.close_body()); },
       V::ok},
      {"a close by a worker", Stage::committed,
       [](World& w) { return w.ask(w.workers[0], w.close_body()); }, V::not_authorised},
      {"a close of another round", Stage::committed,
       [](World& w) { return close_changed(w, [](CloseCommits& b) { b.round = 3; }); },
       V::wrong_round},
      {"a close of another attempt", Stage::committed,
       [](World& w) { return close_changed(w, [](CloseCommits& b) { b.attempt = 3; }); },
       V::wrong_attempt},
      {"a second close", Stage::closed,
       [](World& w) { return w.ask(w.validator(), w.close_body()); }, V::wrong_phase},
      {"a preimage of the proposer's choice", Stage::committed,
       [](World& w) {
         return close_changed(w, [](CloseCommits& b) { b.seed_preimage = hash_of("lucky"); });
       },
       V::wrong_seed},
      {"a preimage two links down", Stage::committed,
       [](World& w) {
         return close_changed(w, [](CloseCommits& b) {
           b.seed_preimage = seed_chain(hash_of("validator 0"), World::kSeedChainLength - 2);
         });
       },
       V::wrong_seed},
      {"fewer commitments than the round asks for", Stage::enrolled,
       [](World& w) {
         OpenRound open = w.open_body();
         open.limits.min_updates = 2;
         w.must(w.validator(), open);
         w.commit({1});
         return w.ask(w.validator(), w.close_body());
       },
       V::too_few_updates},
      {"another exponent", Stage::committed,
       [](World& w) { return close_changed(w, [](CloseCommits& b) { b.exponent += 1; }); },
       V::wrong_scale},
      {"another shift", Stage::committed,
       [](World& w) { return close_changed(w, [](CloseCommits& b) { b.shift -= 1; }); },
       V::wrong_scale},
      {"a commitment left out", Stage::committed,
       [](World& w) { return close_changed(w, [](CloseCommits& b) { b.entries.pop_back(); }); },
       V::wrong_order},
      {"another order", Stage::committed,
       [](World& w) {
         return close_changed(w, [](CloseCommits& b) { std::swap(b.entries[0], b.entries[1]); });
       },
       V::wrong_order},
      {"a worker who did not commit", Stage::committed,
       [](World& w) {
         return close_changed(w, [](CloseCommits& b) { b.entries[0].worker = hash_of("x"); });
       },
       V::wrong_order},
      {"another weight", Stage::committed,
       [](World& w) { return close_changed(w, [](CloseCommits& b) { b.entries[1].weight += 1; }); },
       V::wrong_weights},
      {"an exclusion without a reason", Stage::committed,
       [](World& w) {
         return close_changed(w, [](CloseCommits& b) { b.entries[1].verdict = V::out_of_range; });
       },
       V::wrong_weights},
  };
}

std::vector<Case> abandon_cases() {
  return {
      {"given up before the close", Stage::committed,
       [](World& w) { return w.ask(w.validator(), w.abandon_body()); }, V::ok},
      {"given up after it", Stage::closed,
       [](World& w) { return w.ask(w.validator(), w.abandon_body()); }, V::ok},
      {"given up by a worker", Stage::closed,
       [](World& w) { return w.ask(w.workers[0], w.abandon_body()); }, V::not_authorised},
      {"another round given up", Stage::closed,
       [](World& w) { return abandon_changed(w, [](AbandonRound& b) { b.round = 9; }); },
       V::wrong_round},
      {"another attempt given up", Stage::closed,
       [](World& w) { return abandon_changed(w, [](AbandonRound& b) { b.attempt = 9; }); },
       V::wrong_attempt},
      {"given up after the result", Stage::resulted,
       [](World& w) { return w.ask(w.validator(), w.abandon_body()); }, V::wrong_phase},
      {"given up for no reason", Stage::closed,
       [](World& w) { return abandon_changed(w, [](AbandonRound& b) { b.reason = V::ok; }); },
       V::wrong_rejection},
      {"given up because there is no aggregate", Stage::closed,
       [](World& w) {
         return abandon_changed(w, [](AbandonRound& b) { b.reason = V::aggregation_refused; });
       },
       V::ok},
      {"no aggregate of what is not there yet", Stage::committed,
       [](World& w) {
         return abandon_changed(w, [](AbandonRound& b) { b.reason = V::non_finite_result; });
       },
       V::wrong_phase},
      {"openings before the close", Stage::committed,
       [](World& w) {
         return abandon_changed(w, [&](AbandonRound& b) {
           b.revealed = {{w.workers[0].account(), w.opening_of(0)}};
         });
       },
       V::wrong_phase},
      {"a root that was never committed to", Stage::closed,
       [](World& w) {
         return abandon_changed(w,
                                [](AbandonRound& b) { b.revealed[0].opening.root = hash_of("x"); });
       },
       V::commitment_mismatch},
      {"an opening of a stranger", Stage::closed,
       [](World& w) {
         return abandon_changed(w, [](AbandonRound& b) { b.revealed[0].worker = Hash{}; });
       },
       V::commitment_mismatch},
      {"the next attempt", Stage::closed,
       [](World& w) {
         w.must(w.validator(), w.abandon_body());
         return w.ask(w.validator(), w.open_body());
       },
       V::ok},
      {"the next round instead of the next attempt", Stage::closed,
       [](World& w) {
         w.must(w.validator(), w.abandon_body());
         return open_changed(w, [](OpenRound& b) { b.round = 2; });
       },
       V::wrong_round},
      {"the same attempt again", Stage::closed,
       [](World& w) {
         w.must(w.validator(), w.abandon_body());
         return open_changed(w, [](OpenRound& b) { b.attempt = 0; });
       },
       V::wrong_attempt},
  };
}

}  // namespace

std::vector<Case> round_cases() {
  std::vector<Case> all = open_cases();
  for (const auto& more : {commit_cases(), close_cases(), abandon_cases()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace gradmint::test
