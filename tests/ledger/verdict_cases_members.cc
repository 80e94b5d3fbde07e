// Suspension, readmission and other keys.
#include "tests/ledger/verdict_cases.h"

namespace gradmint::test {
namespace {

using V = Verdict;

SuspendMember absent(const World& w, int i) {
  return {w.workers[static_cast<std::size_t>(i)].account(), SuspendReason::absent, ""};
}
SuspendMember left(const World& w, int i) {
  return {w.workers[static_cast<std::size_t>(i)].account(), SuspendReason::operator_decision,
          "left"};
}
RotateKey rotation(const World& w, int i) {
  return {w.workers[static_cast<std::size_t>(i)].account(), key_of("new key").public_key(),
          hash_of("new curve key")};
}
void miss_rounds(World& w, int count) {
  for (int i = 0; i < count; ++i) w.run_round_of({0, 1, 2});
}

std::vector<Case> suspension_cases() {
  return {
      {"a worker suspends another", Stage::enrolled,
       [](World& w) { return w.ask(w.workers[0], left(w, 1)); }, V::not_authorised},
      {"a stranger is suspended", Stage::fresh,
       [](World& w) { return w.ask(w.validator(), left(w, 1)); }, V::unknown_worker},
      {"a validator is suspended", Stage::enrolled,
       [](World& w) {
         return w.ask(w.validator(), SuspendMember{w.validator().account(),
                                                   SuspendReason::operator_decision, "left"});
       },
       V::unknown_worker},
      {"by the operator's word", Stage::enrolled,
       [](World& w) { return w.ask(w.validator(), left(w, 1)); }, V::ok},
      {"in the middle of a round", Stage::closed,
       [](World& w) { return w.ask(w.validator(), left(w, 1)); }, V::ok},
      {"by the operator's word, without one", Stage::enrolled,
       [](World& w) {
         SuspendMember body = left(w, 1);
         body.text.clear();
         return w.ask(w.validator(), body);
       },
       V::malformed},
      {"for absence, with words", Stage::enrolled,
       [](World& w) {
         SuspendMember body = absent(w, 1);
         body.text = "because";
         return w.ask(w.validator(), body);
       },
       V::malformed},
      {"as absent, after two rounds of three", Stage::enrolled,
       [](World& w) {
         miss_rounds(w, 2);
         return w.ask(w.validator(), absent(w, 3));
       },
       V::not_absent},
      {"as absent, after three rounds", Stage::enrolled,
       [](World& w) {
         miss_rounds(w, 3);
         return w.ask(w.validator(), absent(w, 3));
       },
       V::ok},
      {"as absent, one that was there", Stage::enrolled,
       [](World& w) {
         miss_rounds(w, 3);
         return w.ask(w.validator(), absent(w, 2));
       },
       V::not_absent},
      {"twice", Stage::enrolled,
       [](World& w) {
         w.must(w.validator(), left(w, 1));
         return w.ask(w.validator(), left(w, 1));
       },
       V::already_suspended},
      {"as absent, one that the operator has suspended", Stage::enrolled,
       [](World& w) {
         miss_rounds(w, 3);
         w.must(w.validator(), left(w, 3));
         return w.ask(w.validator(), absent(w, 3));
       },
       V::already_suspended},
      {"by the operator, one that was absent", Stage::enrolled,
       [](World& w) {
         miss_rounds(w, 3);
         w.must(w.validator(), absent(w, 3));
         return w.ask(w.validator(), left(w, 3));
       },
       V::ok},
      {"a dataset of a suspended worker", Stage::enrolled,
       [](World& w) {
         w.must(w.validator(), left(w, 1));
         return w.ask(w.workers[1], w.dataset(2));
       },
       V::suspended},
      {"a commitment of a suspended member", Stage::opened,
       [](World& w) {
         w.must(w.validator(), left(w, 1));
         return w.ask(w.workers[1], w.commit_body(1));
       },
       V::suspended},
      {"a round with a suspended member", Stage::enrolled,
       [](World& w) {
         const OpenRound body = w.open_body();
         w.must(w.validator(), left(w, 1));
         return w.ask(w.validator(), body);
       },
       V::wrong_members},
  };
}

std::vector<Case> readmission_cases() {
  return {
      {"a worker readmits itself", Stage::enrolled,
       [](World& w) {
         w.must(w.validator(), left(w, 1));
         return w.ask(w.workers[1], ReadmitMember{w.workers[1].account()});
       },
       V::not_authorised},
      {"a stranger is readmitted", Stage::fresh,
       [](World& w) { return w.ask(w.validator(), ReadmitMember{w.workers[1].account()}); },
       V::unknown_worker},
      {"one that is a member is readmitted", Stage::enrolled,
       [](World& w) { return w.ask(w.validator(), ReadmitMember{w.workers[1].account()}); },
       V::not_suspended},
      {"readmitted", Stage::enrolled,
       [](World& w) {
         w.must(w.validator(), left(w, 1));
         return w.ask(w.validator(), ReadmitMember{w.workers[1].account()});
       },
       V::ok},
      {"as absent, right after the readmission", Stage::enrolled,
       [](World& w) {
         miss_rounds(w, 3);
         w.must(w.validator(), absent(w, 3));
         w.must(w.validator(), ReadmitMember{w.workers[3].account()});
         return w.ask(w.validator(), absent(w, 3));
       },
       V::not_absent},
  };
}

std::vector<Case> rotation_cases() {
  return {
      {"another worker's key", Stage::enrolled,
       [](World& w) { return w.ask(w.workers[0], rotation(w, 1)); }, V::not_authorised},
      {"the own key", Stage::enrolled, [](World& w) { return w.ask(w.workers[1], rotation(w, 1)); },
       V::ok},
      {"the own key while suspended", Stage::enrolled,
       [](World& w) {
         w.must(w.validator(), left(w, 1));
         return w.ask(w.workers[1], rotation(w, 1));
       },
       V::ok},
      {"no signing key", Stage::enrolled,
       [](World& w) {
         RotateKey body = rotation(w, 1);
         body.public_key = Hash{};
         return w.ask(w.workers[1], body);
       },
       V::wrong_key},
      {"no connection key", Stage::enrolled,
       [](World& w) {
         RotateKey body = rotation(w, 1);
         body.curve_key = Hash{};
         return w.ask(w.workers[1], body);
       },
       V::wrong_key},
      {"a stranger's key", Stage::fresh,
       [](World& w) { return w.ask(w.validator(), rotation(w, 1)); }, V::unknown_worker},
      {"a validator's own key", Stage::fresh,
       [](World& w) {
         RotateKey body = rotation(w, 1);
         body.account = w.validator().account();
         return w.ask(w.validator(), body);
       },
       V::unknown_worker},
      {"a connection key in use", Stage::enrolled,
       [](World& w) {
         RotateKey body = rotation(w, 1);
         body.curve_key = w.registration(2).curve_key;
         return w.ask(w.workers[1], body);
       },
       V::curve_key_taken},
      {"the connection key it has", Stage::enrolled,
       [](World& w) {
         RotateKey body = rotation(w, 1);
         body.curve_key = w.registration(1).curve_key;
         return w.ask(w.workers[1], body);
       },
       V::ok},
      {"by the operator, once", Stage::enrolled,
       [](World& w) { return w.ask(w.validator(), rotation(w, 1)); }, V::ok},
      {"by the operator, again and too early", Stage::enrolled,
       [](World& w) {
         w.must(w.validator(), rotation(w, 1));
         w.empty_blocks(2);
         return w.ask(w.validator(), rotation(w, 1));
       },
       V::rotation_pending},
      {"by the operator, again and in time", Stage::enrolled,
       [](World& w) {
         w.must(w.validator(), rotation(w, 1));
         w.empty_blocks(3);
         return w.ask(w.validator(), rotation(w, 1));
       },
       V::ok},
      {"by the operator, after the account's own word", Stage::enrolled,
       [](World& w) {
         w.must(w.validator(), rotation(w, 1));
         RotateKey own = rotation(w, 1);
         own.curve_key = w.registration(1).curve_key;
         w.must(w.workers[1], own);
         w.empty_blocks(3);
         w.must(w.validator(), rotation(w, 1));  // begins anew
         return w.ask(w.validator(), rotation(w, 1));
       },
       V::rotation_pending},
  };
}

}  // namespace

std::vector<Case> member_cases() {
  std::vector<Case> all = suspension_cases();
  for (auto& cases : {readmission_cases(), rotation_cases()}) {
    all.insert(all.end(), cases.begin(), cases.end());
  }
  return all;
}

}  // namespace gradmint::test
