// When an evaluation takes its next step, over every order of events in small worlds: what the
// rules as they are written down say, what the chain lets stand and what the coordinator proposes.
#include <doctest/doctest.h>

#include "coordinator/round/round.h"
#include "ledger/kernel_spec.h"
#include "ledger/round_timing.h"
#include "tests/ledger/world.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

// The rules of docs/ledger.md, counted from the block with the result: K blocks to commit, K more
// to reveal, each over sooner when all are there; and who has seen figures commits to none.
struct Rules {
  std::size_t evaluators, blocks;
  bool commit(std::size_t, std::size_t revealed, std::uint64_t in_block) const {
    return in_block <= blocks && revealed == 0;
  }
  bool reveal(std::size_t committed, std::uint64_t in_block) const {
    return committed == evaluators || in_block > blocks;
  }
  bool settle(std::size_t committed, std::size_t revealed, std::uint64_t in_block) const {
    if (committed < evaluators && in_block <= blocks) return false;
    return revealed == committed || in_block > 2 * blocks;
  }
};

// A coordinator that is one of the evaluators and has its figures at once.
RoundEffects proposals(const World& w, const RoundView& view) {
  RoundPolicy policy;
  policy.aggregation = ledger_spec(*kernels::complete_spec({}));
  policy.self = w.validator().account();
  RoundMachine machine(policy);
  RoundEffects said;
  machine.step({1'000, LedgerAdvanced{view}}, said);
  const bool settles = std::any_of(said.begin(), said.end(), [](const RoundEffect& effect) {
    const auto* p = std::get_if<Propose>(&effect);
    return p != nullptr && p->type == TxType::settle_round;
  });
  if (settles) return said;
  said.clear();
  machine.step({1'001, EvaluationDone{view.round->round, w.evaluation_body(w.validator()), ""}},
               said);
  return said;
}

std::optional<TxType> proposed(const World& w) {
  for (const RoundEffect& effect : proposals(w, view_of(w.chain)))
    if (const auto* p = std::get_if<Propose>(&effect)) return p->type;
  return std::nullopt;
}

struct Count {
  std::size_t committed = 0, revealed = 0;
};
Count counted(const World& w) {
  Count count;
  for (const auto& [evaluator, record] : view_of(w.chain).evaluations) {
    ++count.committed;
    if (record.revealed) ++count.revealed;
  }
  return count;
}

void compare(const World& w, const Rules& rules) {
  const auto [committed, revealed] = counted(w);
  const std::uint64_t in_block = w.chain.height() + 1 - w.round().result_height;
  CAPTURE(rules.evaluators);
  CAPTURE(rules.blocks);
  CAPTURE(in_block);
  const std::size_t n_committed = committed, n_revealed = revealed;
  CAPTURE(n_committed);
  CAPTURE(n_revealed);
  const bool may_settle = rules.settle(committed, revealed, in_block);
  const Verdict settled = w.ask(w.validator(), w.settle_body());
  CHECK(settled == (may_settle ? Verdict::ok : Verdict::evaluation_missing));
  CHECK((proposed(w) == TxType::settle_round) == may_settle);

  const auto evaluations = view_of(w.chain).evaluations;
  for (const SecretKey& who : w.validators) {
    const auto own = evaluations.find(who.account());
    const bool has_committed = own != evaluations.end();
    const bool has_revealed = has_committed && own->second.revealed;
    const bool may_commit = rules.commit(committed, revealed, in_block);
    const Verdict commits = w.ask(who, w.evaluation_commitment_body(who));
    CHECK(commits == (has_committed ? Verdict::duplicate
                      : may_commit  ? Verdict::ok
                                    : Verdict::late));
    const Verdict reveals = w.ask(who, w.evaluation_body(who));
    CHECK(reveals == (!has_committed                      ? Verdict::not_evaluator
                      : has_revealed                      ? Verdict::duplicate
                      : rules.reveal(committed, in_block) ? Verdict::ok
                                                          : Verdict::wrong_phase));
    // What the coordinator proposes stands.
    if (may_settle || who.account() != w.validator().account()) continue;
    const auto said = proposed(w);
    CHECK((said == TxType::commit_evaluation) == (commits == Verdict::ok));
    CHECK((said == TxType::reveal_evaluation) == (reveals == Verdict::ok));
  }
}

// Every order of empty blocks, commitments and reveals, as far as the chain lets them stand.
std::size_t walk(const World& w, const Rules& rules) {
  compare(w, rules);
  std::size_t seen = 1;
  if (w.chain.height() + 1 - w.round().result_height > 2 * rules.blocks + 1) return seen;
  World waited = w;
  waited.empty_blocks(1);
  seen += walk(waited, rules);
  for (const SecretKey& who : w.validators) {
    for (const SignedTransaction& said :
         {w.say(who, w.evaluation_commitment_body(who)), w.say(who, w.evaluation_body(who))}) {
      if (w.chain.check(said) != Verdict::ok) continue;
      World next = w;
      next.play({said});
      seen += walk(next, rules);
    }
  }
  return seen;
}

}  // namespace

TEST_CASE("chain and coordinator agree when an evaluation may go on and be settled") {
  std::size_t seen = 0;
  for (const int evaluators : {1, 2, 3}) {
    for (const std::uint32_t blocks : {1U, 2U}) {
      if (evaluators == 3 && blocks == 2) continue;  // thousands more, of the same kinds
      WorldOptions options;
      options.validators = evaluators;
      options.workers = 1;
      options.evaluation_blocks = blocks;
      World w(options);
      w.enrol();
      w.open();
      w.commit();
      w.close();
      w.result();
      seen += walk(w, {static_cast<std::size_t>(evaluators), blocks});
    }
  }
  MESSAGE(seen << " standings");
}

TEST_CASE("an attempt is given up in the phases and for the reasons that the chain takes") {
  World w;
  w.enrol();
  w.open();
  w.commit();
  const auto ask = [&](Verdict reason, bool revealed) {
    AbandonRound body;
    body.round = w.round().round;
    body.attempt = w.round().attempt;
    body.reason = reason;
    if (revealed) body.revealed = {{w.workers[0].account(), w.opening_of(0)}};
    return w.ask(w.validator(), body);
  };
  const Verdict reasons[] = {Verdict::ok, Verdict::too_few_updates, Verdict::aggregation_refused,
                             Verdict::non_finite_result, Verdict::late};
  const std::function<void()> steps[] = {[&] {}, [&] { w.close(); }, [&] { w.result(); },
                                         [&] { w.attest(); }, [&] { w.settle(); }};
  for (const auto& step : steps) {
    step();
    const RoundPhase phase = w.round().phase;
    for (const Verdict reason : reasons) {
      for (const bool revealed : {false, true}) {
        const bool begun = phase == RoundPhase::training || phase == RoundPhase::revealing;
        const bool closed = phase == RoundPhase::revealing;
        Verdict due = Verdict::ok;
        if (reason == Verdict::ok) due = Verdict::wrong_rejection;
        if (is_aggregation_failure(reason) && !closed) due = Verdict::wrong_phase;
        if (!begun || (revealed && !closed)) due = Verdict::wrong_phase;
        CAPTURE(round_phase_name(phase));
        CAPTURE(verdict_name(reason));
        CAPTURE(revealed);
        CHECK(verdict_name(abandonment_verdict(phase, reason, revealed)) == verdict_name(due));
        CHECK(verdict_name(ask(reason, revealed)) == verdict_name(due));
      }
    }
  }
}
