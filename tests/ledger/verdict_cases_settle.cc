// Attestations and settlement.
#include "tests/ledger/verdict_cases.h"

namespace gradmint::test {
namespace {

using V = Verdict;

// Two validators, so that attestations are worth having.
World evaluating() {
  WorldOptions options;
  options.validators = 2;
  World w(options);
  w.enrol();
  w.open();
  w.commit();
  w.close();
  w.result();
  return w;
}

Verdict figures_with(World& w, const Metrics& metrics) {
  w.must(w.validator(), w.evaluation_commitment_body(w.validator()));
  RevealEvaluation body = w.evaluation_body(w.validator());
  body.metrics = metrics;
  return w.ask(w.validator(), body);
}

std::vector<Case> evaluation_cases() {
  return {
      {"an attestation's commitment", Stage::resulted,
       [](World& w) { return w.ask(w.validator(), w.evaluation_commitment_body(w.validator())); },
       V::ok},
      {"of another round", Stage::resulted,
       [](World& w) {
         return w.ask(w.validator(), CommitEvaluation{2, hash_of("x")});
       },
       V::wrong_round},
      {"before the result", Stage::closed,
       [](World& w) {
         return w.ask(w.validator(), CommitEvaluation{1, hash_of("x")});
       },
       V::wrong_phase},
      {"by one who is no evaluator", Stage::resulted,
       [](World& w) { return w.ask(w.workers[0], w.evaluation_commitment_body(w.workers[0])); },
       V::not_evaluator},
      {"a second commitment to figures", Stage::attested,
       [](World& w) { return w.ask(w.validator(), w.evaluation_commitment_body(w.validator())); },
       V::duplicate},
      {"a commitment after the blocks it had", Stage::resulted,
       [](World& w) {
         w.empty_blocks(2);
         return w.ask(w.validator(), w.evaluation_commitment_body(w.validator()));
       },
       V::late},
      {"figures", Stage::resulted,
       [](World& w) {
         w.must(w.validator(), w.evaluation_commitment_body(w.validator()));
         return w.ask(w.validator(), w.evaluation_body(w.validator()));
       },
       V::ok},
      {"figures without a commitment", Stage::resulted,
       [](World& w) { return w.ask(w.validator(), w.evaluation_body(w.validator())); },
       V::not_evaluator},
      {"figures while another may still commit", Stage::resulted,
       [](World&) {
         World w = evaluating();
         w.must(w.validator(), w.evaluation_commitment_body(w.validator()));
         return w.ask(w.validator(), w.evaluation_body(w.validator()));
       },
       V::wrong_phase},
      {"figures after the other has missed its blocks", Stage::resulted,
       [](World&) {
         World w = evaluating();
         w.must(w.validator(), w.evaluation_commitment_body(w.validator()));
         w.empty_blocks(1);
         return w.ask(w.validator(), w.evaluation_body(w.validator()));
       },
       V::ok},
      {"figures twice", Stage::attested,
       [](World& w) { return w.ask(w.validator(), w.evaluation_body(w.validator())); },
       V::duplicate},
      {"other figures than committed to", Stage::resulted,
       [](World& w) {
         w.must(w.validator(), w.evaluation_commitment_body(w.validator()));
         RevealEvaluation body = w.evaluation_body(w.validator());
         body.metrics[0].micro = *body.metrics[0].micro + 1;
         return w.ask(w.validator(), body);
       },
       V::commitment_mismatch},
      {"figures over no examples", Stage::resulted,
       [](World& w) {
         w.must(w.validator(), w.evaluation_commitment_body(w.validator()));
         RevealEvaluation body = w.evaluation_body(w.validator());
         body.examples = 0;
         return w.ask(w.validator(), body);
       },
       V::no_examples},
      {"a metric past the bound", Stage::resulted,
       [](World& w) {
         return figures_with(w, {{"loss", kMaxMetricMicro + 1}});
       },
       V::malformed},
      {"a metric at the bound, committed to otherwise", Stage::resulted,
       [](World& w) {
         return figures_with(w, {{"loss", -kMaxMetricMicro}});
       },
       V::commitment_mismatch},
      {"metrics out of order", Stage::resulted,
       [](World& w) {
         return figures_with(w, {{"loss", 1}, {"accuracy", 1}});
       },
       V::malformed},
      {"a metric twice", Stage::resulted,
       [](World& w) {
         return figures_with(w, {{"loss", 1}, {"loss", 1}});
       },
       V::malformed},
      {"a metric without a name", Stage::resulted,
       [](World& w) {
         return figures_with(w, {{"", 1}});
       },
       V::malformed},
      {"a metric with a space in its name", Stage::resulted,
       [](World& w) {
         return figures_with(w, {{"a b", 1}});
       },
       V::malformed},
      {"a metric's name of 49 letters", Stage::resulted,
       [](World& w) {
         return figures_with(w, {{std::string(49, 'a'), 1}});
       },
       V::malformed},
      {"seventeen metrics", Stage::resulted,
       [](World& w) {
         Metrics metrics;
         for (int i = 0; i < 17; ++i) metrics.push_back({"m" + std::to_string(100 + i), 1});
         return figures_with(w, metrics);
       },
       V::malformed},
  };
}

template <class Change>
Verdict settle_changed(World& w, Change change) {
  SettleRound body = w.settle_body();
  change(body);
  return w.ask(w.validator(), body);
}

std::vector<Case> settle_cases() {
  return {
      {"a settlement", Stage::attested,
       [](World& w) { return w.ask(w.validator(), w.settle_body()); }, V::ok},
      {"a settlement by a worker", Stage::attested,
       [](World& w) { return w.ask(w.workers[0], w.settle_body()); }, V::not_authorised},
      {"a settlement of another round", Stage::attested,
       [](World& w) { return settle_changed(w, [](SettleRound& b) { b.round = 2; }); },
       V::wrong_round},
      {"a settlement of a settled round", Stage::settled,
       [](World& w) { return w.ask(w.validator(), w.settle_body()); }, V::wrong_phase},
      {"a settlement before anyone attested", Stage::resulted,
       [](World& w) { return w.ask(w.validator(), w.settle_body()); }, V::evaluation_missing},
      {"a settlement between commitment and figures", Stage::resulted,
       [](World& w) {
         w.must(w.validator(), w.evaluation_commitment_body(w.validator()));
         w.empty_blocks(2);
         return w.ask(w.validator(), w.settle_body());
       },
       V::evaluation_missing},
      {"a settlement without attestations, after the wait", Stage::resulted,
       [](World& w) {
         w.empty_blocks(2);
         return w.ask(w.validator(), w.settle_body());
       },
       V::ok},
      {"a settlement without the figures that were promised, after the longer wait",
       Stage::resulted,
       [](World& w) {
         w.must(w.validator(), w.evaluation_commitment_body(w.validator()));
         w.empty_blocks(3);
         return w.ask(w.validator(), w.settle_body());
       },
       V::ok},
      {"another loss", Stage::attested,
       [](World& w) {
         return settle_changed(w, [](SettleRound& b) { *b.metrics[1].median -= 1; });
       },
       V::wrong_metrics},
      {"another accuracy", Stage::attested,
       [](World& w) { return settle_changed(w, [](SettleRound& b) { *b.metrics[0].mean += 1; }); },
       V::wrong_metrics},
      {"a metric left out", Stage::attested,
       [](World& w) { return settle_changed(w, [](SettleRound& b) { b.metrics.pop_back(); }); },
       V::wrong_metrics},
      {"another mean of the trainers' losses", Stage::attested,
       [](World& w) { return settle_changed(w, [](SettleRound& b) { *b.training[0].mean += 1; }); },
       V::wrong_metrics},
      {"a median that nobody measured", Stage::attested,
       [](World& w) {
         return settle_changed(w, [](SettleRound& b) { b.metrics[0].measured = 0; });
       },
       V::malformed},
      {"a mean without a median", Stage::attested,
       [](World& w) {
         return settle_changed(w, [](SettleRound& b) { b.metrics[0].median.reset(); });
       },
       V::malformed},
      {"another count", Stage::attested,
       [](World& w) { return settle_changed(w, [](SettleRound& b) { b.attestations += 1; }); },
       V::wrong_metrics},
  };
}

}  // namespace

std::vector<Case> settlement_cases() {
  std::vector<Case> all = evaluation_cases();
  const auto more = settle_cases();
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace gradmint::test
