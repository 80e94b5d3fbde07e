// What a coordinator may claim about a round.
#include <limits>

#include "tests/ledger/verdict_cases.h"

namespace gradmint::test {
namespace {

using V = Verdict;

template <class Change>
Verdict result_changed(World& w, Change change) {
  RoundResult body = w.result_body();
  change(body);
  return w.ask(w.validator(), body);
}

ResultEntry& entry_of(World& w, RoundResult& body, int worker) {
  for (ResultEntry& entry : body.entries) {
    if (w.worker_of(entry.worker) == worker) return entry;
  }
  GRADMINT_CHECK(false);
  return body.entries.front();
}

void refuse(ResultEntry& entry, Verdict verdict) {
  const auto opening = verdict == V::not_revealed ? std::nullopt : entry.opening;
  entry = ResultEntry{entry.worker, verdict, opening, 0, false, 0, 0, 0, 0};
}

// A closed round in which worker 0 is not as the others.
World closed_with(const std::function<void(World&)>& prepare, WorldOptions options = {}) {
  World w(options);
  w.enrol();
  w.open();
  prepare(w);
  w.commit();
  w.close();
  return w;
}

// What an honest result says of worker 0, given such a round.
Verdict honest_verdict(const std::function<void(World&)>& prepare, WorldOptions options = {}) {
  World w = closed_with(prepare, options);
  RoundResult body = w.result_body();
  const Verdict stands = w.ask(w.validator(), body);
  return stands == V::ok ? entry_of(w, body, 0).verdict : stands;
}

Verdict accepted_anyway(const std::function<void(World&)>& prepare) {
  World w = closed_with(prepare);
  return result_changed(w, [&](RoundResult& b) {
    ResultEntry& entry = entry_of(w, b, 0);
    entry.verdict = V::ok;
    entry.clip_factor_bits = 0x3FF0000000000000;
    entry.selected = true;
    entry.coefficient = 1;
  });
}

void far_exponent(World& w) { w.own_exponents[0] = 90; }
void short_payload(World& w) { w.own_payloads[0] = {1.0F, 2.0F}; }
void other_encoding(World& w) { w.own_encodings[0] = {Encoding::bf16, 0}; }
WorldOptions with_int8() {
  WorldOptions options;
  options.encoding = {Encoding::int8, 0};
  return options;
}
void malformed(World& w) {
  w.own_bytes[0] = w.encoded_of(0);
  w.own_bytes[0].back() = 0x80;  // -128, which no value is
}
void silent_worker(World& w) { w.silent = {0}; }
void not_a_number(World& w) {
  w.own_payloads[0] = std::vector<float>(8, std::numeric_limits<float>::quiet_NaN());
  w.own_exponents[0] = 0;
}
void wrong_exponent(World& w) { w.own_exponents[0] = -5; }
void denied_exponent(World& w) { w.own_exponents[0] = kNoExponent; }
void zeros_with_exponent(World& w) {
  w.own_payloads[0] = std::vector<float>(8, 0.0F);
  w.own_exponents[0] = kMinExponent;
}

// Workers 0 and 1 reveal the same payload; 1 committed first.
World twins() {
  World w;
  w.enrol();
  w.open();
  w.own_payloads[0] = w.payload_of(1);
  w.commit({1, 0, 2, 3});
  w.close();
  return w;
}

// The first attempt is given up after payloads were revealed; the second is closed.
World second_attempt(const std::function<void(World&)>& prepare) {
  World w;
  w.enrol();
  w.open();
  w.commit();
  w.close();
  w.must(w.validator(), w.abandon_body());
  w.open();
  prepare(w);
  w.commit();
  w.close();
  return w;
}

std::vector<Case> payload_cases() {
  return {
      {"an honest worker is accepted", Stage::closed,
       [](World&) { return honest_verdict([](World&) {}); }, V::ok},
      {"an exponent far above the others'", Stage::closed,
       [](World&) { return honest_verdict(far_exponent); }, V::out_of_range},
      {"… accepted all the same", Stage::closed,
       [](World&) { return accepted_anyway(far_exponent); }, V::wrong_rejection},
      {"a payload of another length", Stage::closed,
       [](World&) { return honest_verdict(short_payload); }, V::wrong_size},
      {"… accepted all the same", Stage::closed,
       [](World&) { return accepted_anyway(short_payload); }, V::wrong_rejection},
      {"a payload in another encoding", Stage::closed,
       [](World&) { return honest_verdict(other_encoding); }, V::wrong_encoding},
      {"… accepted all the same", Stage::closed,
       [](World&) { return accepted_anyway(other_encoding); }, V::wrong_rejection},
      {"an honest worker in int8", Stage::closed,
       [](World&) { return honest_verdict([](World&) {}, with_int8()); }, V::ok},
      {"a payload that int8 does not have", Stage::closed,
       [](World&) { return honest_verdict(malformed, with_int8()); }, V::malformed_payload},
      {"nothing revealed", Stage::closed, [](World&) { return honest_verdict(silent_worker); },
       V::not_revealed},
      {"… accepted all the same", Stage::closed,
       [](World&) { return accepted_anyway(silent_worker); }, V::wrong_rejection},
      {"a payload that is not finite", Stage::closed,
       [](World&) { return honest_verdict(not_a_number); }, V::non_finite},
      {"an exponent that is not the payload's", Stage::closed,
       [](World&) { return honest_verdict(wrong_exponent); }, V::exponent_mismatch},
      {"no exponent, but a payload that has one", Stage::closed,
       [](World&) { return honest_verdict(denied_exponent); }, V::exponent_mismatch},
      {"an exponent, but zeros", Stage::closed,
       [](World&) { return honest_verdict(zeros_with_exponent); }, V::exponent_mismatch},
      {"the later of two equal payloads", Stage::closed,
       [](World&) {
         World w = twins();
         RoundResult body = w.result_body();
         return w.ask(w.validator(), body) == V::ok && entry_of(w, body, 1).verdict == V::ok
                    ? entry_of(w, body, 0).verdict
                    : V::ok;
       },
       V::root_seen_before},
      {"… accepted all the same", Stage::closed,
       [](World&) {
         World w = twins();
         return result_changed(w, [&](RoundResult& b) {
           ResultEntry& entry = entry_of(w, b, 0);
           entry = entry_of(w, b, 1);
           entry.worker = w.workers[0].account();
           entry.opening = w.opening_of(0);
         });
       },
       V::wrong_rejection},
      {"a payload of an earlier round, by its own sender", Stage::settled,
       [](World& w) {
         w.own_payloads[0] = [&] {
           World before;
           before.enrol();
           before.open();
           return before.payload_of(0);
         }();
         w.open();
         w.commit();
         w.close();
         RoundResult body = w.result_body();
         return w.ask(w.validator(), body) == V::ok ? entry_of(w, body, 0).verdict : V::ok;
       },
       V::root_seen_before},
      {"in the next attempt, one's own payload again", Stage::closed,
       [](World&) {
         World w = second_attempt([](World&) {});
         RoundResult body = w.result_body();
         return w.ask(w.validator(), body) == V::ok ? entry_of(w, body, 0).verdict : V::malformed;
       },
       V::ok},
      {"in the next attempt, a payload that another revealed in the first", Stage::closed,
       [](World&) {
         World w = second_attempt([](World& x) { x.own_payloads[0] = x.payload_of(1); });
         RoundResult body = w.result_body();
         return w.ask(w.validator(), body) == V::ok ? entry_of(w, body, 0).verdict : V::ok;
       },
       V::root_seen_before},
      {"of two equal payloads in a given-up attempt the earlier keeps its root", Stage::closed,
       [](World&) {
         World w = twins();
         w.must(w.validator(), w.abandon_body());
         const auto root =
             get<RootRecord>(w.chain.state(), state_key::root(vector_root(w.own_payloads[0])));
         return root && root->worker == w.workers[1].account() ? V::ok : V::root_seen_before;
       },
       V::ok},
  };
}

std::vector<Case> claim_cases() {
  return {
      {"a result", Stage::closed, [](World& w) { return w.ask(w.validator(), w.result_body()); },
       V::ok},
      {"a result by a worker", Stage::closed,
       [](World& w) { return w.ask(w.workers[0], w.result_body()); }, V::not_authorised},
      {"a result of another round", Stage::closed,
       [](World& w) { return result_changed(w, [](RoundResult& b) { b.round = 2; }); },
       V::wrong_round},
      {"a result of another attempt", Stage::closed,
       [](World& w) { return result_changed(w, [](RoundResult& b) { b.attempt = 2; }); },
       V::wrong_attempt},
      {"a result before the close", Stage::committed,
       [](World& w) {
         RoundResult body;
         body.round = 1;
         return w.ask(w.validator(), body);
       },
       V::wrong_phase},
      {"a second result", Stage::resulted,
       [](World& w) {
         RoundResult body;
         body.round = 1;
         return w.ask(w.validator(), body);
       },
       V::wrong_phase},
      {"a worker left out", Stage::closed,
       [](World& w) { return result_changed(w, [](RoundResult& b) { b.entries.pop_back(); }); },
       V::incomplete_result},
      {"workers in another order", Stage::closed,
       [](World& w) {
         return result_changed(w, [](RoundResult& b) { std::swap(b.entries[0], b.entries[1]); });
       },
       V::wrong_order},
      {"a stranger who shows a root that another has", Stage::closed,
       [](World& w) {
         return result_changed(w, [](RoundResult& b) {
           b.entries[1] = b.entries[0];
           b.entries[1].worker = hash_of("stranger");
         });
       },
       V::wrong_order},
      {"an opening that opens nothing", Stage::closed,
       [](World& w) {
         return result_changed(w, [](RoundResult& b) { b.entries[0].opening->root = Hash{}; });
       },
       V::commitment_mismatch},
      {"another's opening", Stage::closed,
       [](World& w) {
         return result_changed(w,
                               [](RoundResult& b) { b.entries[0].opening = b.entries[1].opening; });
       },
       V::commitment_mismatch},
      {"a refusal for being late", Stage::closed,
       [](World& w) {
         return result_changed(w, [](RoundResult& b) { refuse(b.entries[0], V::late); });
       },
       V::wrong_rejection},
      {"a refusal for not revealing what was revealed", Stage::closed,
       [](World& w) {
         return result_changed(w, [&](RoundResult& b) {
           const auto opening = b.entries[0].opening;
           refuse(b.entries[0], V::not_revealed);
           b.entries[0].opening = opening;
         });
       },
       V::wrong_rejection},
      {"a refusal out of range that the close does not know", Stage::closed,
       [](World& w) {
         return result_changed(w, [](RoundResult& b) { refuse(b.entries[0], V::out_of_range); });
       },
       V::wrong_rejection},
      {"a refusal that nobody can check", Stage::closed,
       [](World& w) {
         return result_changed(w, [](RoundResult& b) { refuse(b.entries[0], V::hash_mismatch); });
       },
       V::wrong_rejection},
      {"a payload fact that only the blob can disprove", Stage::closed,
       [](World& w) {
         return result_changed(w, [](RoundResult& b) { refuse(b.entries[0], V::non_finite); });
       },
       V::ok},
      {"a refused worker with a score", Stage::closed,
       [](World& w) {
         return result_changed(w, [](RoundResult& b) {
           refuse(b.entries[0], V::non_finite);
           b.entries[0].score_ppm = 1;
         });
       },
       V::wrong_scores},
      {"a refused worker with a factor", Stage::closed,
       [](World& w) {
         return result_changed(w, [](RoundResult& b) {
           refuse(b.entries[0], V::non_finite);
           b.entries[0].clip_factor_bits = 1;
         });
       },
       V::wrong_clip_factors},
      {"a refused worker that was selected", Stage::closed,
       [](World& w) {
         return result_changed(w, [](RoundResult& b) {
           refuse(b.entries[0], V::non_finite);
           b.entries[0].selected = true;
         });
       },
       V::wrong_selection},
      {"a refused worker with a coefficient", Stage::closed,
       [](World& w) {
         return result_changed(w, [](RoundResult& b) {
           refuse(b.entries[0], V::non_finite);
           b.entries[0].coefficient = 1;
         });
       },
       V::wrong_selection},
      {"a refused worker with a score of the selection", Stage::closed,
       [](World& w) {
         return result_changed(w, [](RoundResult& b) {
           refuse(b.entries[0], V::non_finite);
           b.entries[0].selection_score_bits = 1;
         });
       },
       V::wrong_selection},
      {"selected without a coefficient", Stage::closed,
       [](World& w) {
         return result_changed(w, [](RoundResult& b) { b.entries[0].coefficient = 0; });
       },
       V::wrong_selection},
      {"a coefficient above the largest weight", Stage::closed,
       [](World& w) {
         return result_changed(w, [](RoundResult& b) { b.entries[0].coefficient = (1 << 24) + 1; });
       },
       V::wrong_selection},
      {"a score of the selection that is not a number", Stage::closed,
       [](World& w) {
         return result_changed(
             w, [](RoundResult& b) { b.entries[0].selection_score_bits = 0x7FF8000000000000; });
       },
       V::wrong_selection},
      {"a score above one", Stage::closed,
       [](World& w) {
         return result_changed(w, [](RoundResult& b) { b.entries[0].score_ppm = 1'000'001; });
       },
       V::wrong_scores},
      {"clipping where there is none", Stage::closed,
       [](World& w) {
         return result_changed(
             w, [](RoundResult& b) { b.entries[0].clip_factor_bits = 0x3FE0000000000000; });
       },
       V::wrong_clip_factors},
      {"a factor that is not a number", Stage::closed,
       [](World& w) {
         return result_changed(
             w, [](RoundResult& b) { b.entries[0].clip_factor_bits = 0x7FF8000000000000; });
       },
       V::wrong_clip_factors},
      {"more coordinates outside than there are", Stage::closed,
       [](World& w) {
         return result_changed(w, [](RoundResult& b) { b.entries[0].outside_count = 9; });
       },
       V::wrong_selection},
      {"no model", Stage::closed,
       [](World& w) { return result_changed(w, [](RoundResult& b) { b.model_root = Hash{}; }); },
       V::wrong_model},
      {"too few accepted", Stage::closed,
       [](World&) {
         WorldOptions options;
         options.min_updates = 4;
         World w = closed_with(silent_worker, options);
         return w.ask(w.validator(), w.result_body());
       },
       V::too_few_updates},
  };
}

}  // namespace

std::vector<Case> result_cases() {
  std::vector<Case> all = payload_cases();
  const auto more = claim_cases();
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace gradmint::test
