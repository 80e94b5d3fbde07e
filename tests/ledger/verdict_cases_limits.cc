// Texts that may not stand, and statements beyond what the genesis lets a member say.
#include "tests/ledger/verdict_cases.h"

namespace gradmint::test {
namespace {

using V = Verdict;

// Each statement with a text in it, and that text.
struct TextPlace {
  std::string_view what;
  Stage stage;
  std::function<Verdict(World&, const std::string&)> ask;
};

const std::vector<TextPlace>& text_places() {
  static const std::vector<TextPlace> places = {
      {"a worker's name", Stage::fresh,
       [](World& w, const std::string& text) {
         RegisterWorker body = w.registration(0);
         body.name = text;
         return w.ask(w.workers[0], body);
       }},
      {"a dataset's name", Stage::enrolled,
       [](World& w, const std::string& text) {
         RegisterDataset body = w.dataset(1);
         body.name = text;
         return w.ask(w.workers[0], body);
       }},
      {"a dataset's schema", Stage::enrolled,
       [](World& w, const std::string& text) {
         RegisterDataset body = w.dataset(1);
         body.schema = text;
         return w.ask(w.workers[0], body);
       }},
      {"a dataset's origin", Stage::enrolled,
       [](World& w, const std::string& text) {
         RegisterDataset body = w.dataset(1);
         body.origin = text;
         return w.ask(w.workers[0], body);
       }},
      {"a dataset's licence", Stage::enrolled,
       [](World& w, const std::string& text) {
         RegisterDataset body = w.dataset(1);
         body.licence = text;
         return w.ask(w.workers[0], body);
       }},
      {"a memo", Stage::fresh,
       [](World& w, const std::string& text) {
         return w.ask(w.validator(), Transfer{w.validator().account(), 1, text});
       }},
      {"why a member is suspended", Stage::enrolled,
       [](World& w, const std::string& text) {
         return w.ask(w.validator(), SuspendMember{w.workers[0].account(),
                                                   SuspendReason::operator_decision, text});
       }},
      {"an aggregator's name", Stage::enrolled,
       [](World& w, const std::string& text) {
         OpenRound body = w.open_body();
         body.aggregation.aggregator.name = text;
         return w.ask(w.validator(), body);
       }},
      {"a parameter's name", Stage::enrolled,
       [](World& w, const std::string& text) {
         OpenRound body = w.open_body();
         body.aggregation.aggregator.parameters = {{text, 0}};
         return w.ask(w.validator(), body);
       }},
      {"what workers train with", Stage::enrolled,
       [](World& w, const std::string& text) {
         OpenRound body = w.open_body();
         body.training.optimizer = text;
         return w.ask(w.validator(), body);
       }},
  };
  return places;
}

constexpr std::pair<std::string_view, std::string_view> kUnclean[] = {
    {"no UTF-8", "\xff\xfe"},
    {"an overlong slash", "\xc0\xaf"},
    {"half a character", "ab\xe2\x98"},
    {"a surrogate", "\xed\xa0\x80"},
    {"an escape sequence", "\x1b[2Jall is well"},
    {"a C1 escape", "\xc2\x9b[31m"},
    {"a second line", "worker\nround 3 settled"},
    {"a tab", "a\tb"},
    {"a carriage return", "a\rb"},
    {"DEL", "a\x7f"},
    {"a line separator", "a\xe2\x80\xa8"},
    {"what turns the text around", "a\xe2\x80\xae"},
    {"an isolate", "\xe2\x81\xa6z"},
    {"a space without width", "a\xe2\x80\x8b"},
    {"a byte order mark", "\xef\xbb\xbfz"},
};

void register_datasets(World& w, const SecretKey& who, std::uint32_t first, std::uint32_t last) {
  for (std::uint32_t i = first; i < last; ++i) {
    w.must(who, w.dataset(static_cast<int>(i)));
  }
}

// A world with other limits, its workers enrolled with a dataset each and one round settled, so
// that they have money.
World limited(const ChainLimits& limits) {
  WorldOptions options;
  options.limits = limits;
  World w(options);
  w.enrol();
  w.run_round();
  return w;
}

ChainLimits with_statements(std::uint32_t count) {
  ChainLimits limits = World().genesis.limits;
  limits.statements_per_round = count;
  return limits;
}

WorldOptions with_registrations(std::uint32_t count) {
  WorldOptions options;
  options.limits = World().genesis.limits;
  options.limits->registrations_per_round = count;
  return options;
}

Verdict pay(World& w, const AccountId& to, std::uint64_t amount) {
  return w.ask(w.workers[0], Transfer{to, amount, ""});
}

}  // namespace

std::vector<Case> text_cases() {
  static std::vector<std::string> names;
  std::vector<Case> cases;
  names.reserve(text_places().size() * std::size(kUnclean));
  for (const TextPlace& place : text_places()) {
    for (const auto& [fault, text] : kUnclean) {
      names.push_back(std::string(place.what) + ": " + std::string(fault));
      cases.push_back({names.back(), place.stage,
                       [&place, text = std::string(text)](World& w) { return place.ask(w, text); },
                       V::malformed_text});
    }
  }
  cases.push_back(
      {"a name in four scripts, with the joiner that one of them needs", Stage::fresh,
       [](World& w) { return text_places()[0].ask(w, "Käthe \xd9\x85\xdb\x8c\xe2\x80\x8c ☂ 𝄞"); },
       V::ok});
  cases.push_back({"a name of nothing", Stage::fresh,
                   [](World& w) { return text_places()[0].ask(w, ""); }, V::ok});
  // What is wrong first is named.
  cases.push_back({"an unclean name, and a byte too many", Stage::fresh,
                   [](World& w) {
                     RegisterWorker body = w.registration(0);
                     body.name = "\xff";
                     Transaction t = w.draft(w.workers[0], body);
                     t.body.push_back(0);
                     return w.chain.check(sign_transaction(t, w.workers[0]));
                   },
                   V::malformed_text});
  cases.push_back({"a name beyond its cap, and unclean", Stage::fresh,
                   [](World& w) { return text_places()[0].ask(w, std::string(65, '\x1b')); },
                   V::malformed});
  return cases;
}

std::vector<Case> quota_cases() {
  return {
      {"as many datasets as the genesis allows", Stage::enrolled,
       [](World& w) {
         register_datasets(w, w.workers[0], 10, 10 + w.genesis.limits.datasets_per_worker - 2);
         return w.ask(w.workers[0], w.dataset(1));
       },
       V::ok},
      {"one dataset more", Stage::enrolled,
       [](World& w) {
         register_datasets(w, w.workers[0], 10, 10 + w.genesis.limits.datasets_per_worker - 1);
         return w.ask(w.workers[0], w.dataset(1));
       },
       V::too_many_datasets},
      {"and another worker's first is not counted with them", Stage::enrolled,
       [](World& w) {
         register_datasets(w, w.workers[0], 10, 10 + w.genesis.limits.datasets_per_worker - 1);
         return w.ask(w.workers[1], w.dataset(0));
       },
       V::ok},
      {"the last statement of a round", Stage::fresh,
       [](World&) {
         World w = limited(with_statements(2));
         w.must(w.workers[0], w.dataset(1));
         return pay(w, w.workers[1].account(), 1);
       },
       V::ok},
      {"one statement more", Stage::fresh,
       [](World&) {
         World w = limited(with_statements(2));
         w.must(w.workers[0], w.dataset(1));
         w.must(w.workers[0], Transfer{w.workers[1].account(), 1, ""});
         return pay(w, w.workers[1].account(), 1);
       },
       V::too_many_statements},
      {"one statement more, in the same block", Stage::fresh,
       [](World&) {
         World w = limited(with_statements(1));
         const auto first = w.say(w.workers[0], w.dataset(1));
         Transaction second = w.draft(w.workers[0], w.dataset(2));
         second.nonce += 1;
         return w.play({first, sign_transaction(second, w.workers[0])})[1];
       },
       V::too_many_statements},
      {"a statement that did not stand is not counted", Stage::fresh,
       [](World&) {
         World w = limited(with_statements(1));
         w.play({w.say(w.workers[0], w.dataset(0))});
         return w.ask(w.workers[0], w.dataset(1));
       },
       V::ok},
      {"the next round counts anew", Stage::fresh,
       [](World&) {
         World w = limited(with_statements(1));
         w.must(w.workers[0], w.dataset(1));
         w.open();
         return w.ask(w.workers[0], w.dataset(2));
       },
       V::ok},
      {"what a round asks for is not counted", Stage::fresh,
       [](World&) {
         World w = limited(with_statements(1));
         w.open();
         w.must(w.workers[0], w.dataset(1));
         return w.ask(w.workers[0], w.commit_body(0));
       },
       V::ok},
      {"a change of one's own keys is counted", Stage::fresh,
       [](World&) {
         World w = limited(with_statements(1));
         w.must(w.workers[0], w.dataset(1));
         return w.ask(w.workers[0], RotateKey{w.workers[0].account(), w.workers[0].public_key(),
                                              w.registration(0).curve_key});
       },
       V::too_many_statements},
      {"a validator is not counted", Stage::fresh,
       [](World&) {
         World w = limited(with_statements(1));
         w.must(w.validator(), Transfer{w.workers[1].account(), 1, ""});
         return w.ask(w.validator(), Transfer{w.workers[1].account(), 1, ""});
       },
       V::ok},
      {"the last stranger of a round", Stage::fresh,
       [](World&) {
         World w(with_registrations(2));
         w.must(w.workers[0], w.registration(0));
         return w.ask(w.workers[1], w.registration(1));
       },
       V::ok},
      {"one stranger more", Stage::fresh,
       [](World&) {
         World w(with_registrations(2));
         w.must(w.workers[0], w.registration(0));
         w.must(w.workers[1], w.registration(1));
         return w.ask(w.workers[2], w.registration(2));
       },
       V::too_many_registrations},
      {"one stranger more, in the same block", Stage::fresh,
       [](World&) {
         World w(with_registrations(1));
         return w.play(
             {w.say(w.workers[0], w.registration(0)), w.say(w.workers[1], w.registration(1))})[1];
       },
       V::too_many_registrations},
      {"the next round admits as many again", Stage::fresh,
       [](World&) {
         World w(with_registrations(2));
         w.must(w.workers[0], w.registration(0));
         w.must(w.workers[1], w.registration(1));
         w.must(w.workers[0], w.dataset(0));
         w.open();
         return w.ask(w.workers[2], w.registration(2));
       },
       V::ok},
      {"who is invited is not counted", Stage::fresh,
       [](World&) {
         WorldOptions options = with_registrations(1);
         options.enrolment = Enrolment::invitation;
         World w(options);
         w.must(w.workers[0], w.registration(0));
         return w.ask(w.workers[1], w.registration(1));
       },
       V::ok},
      {"an account opened with enough", Stage::fresh,
       [](World&) {
         ChainLimits limits = World().genesis.limits;
         limits.least_new_balance = 500;
         World w = limited(limits);
         return pay(w, hash_of("x"), 500);
       },
       V::ok},
      {"an account opened with less", Stage::fresh,
       [](World&) {
         ChainLimits limits = World().genesis.limits;
         limits.least_new_balance = 500;
         World w = limited(limits);
         return pay(w, hash_of("x"), 499);
       },
       V::balance_too_small},
      {"an account that is there takes any amount", Stage::fresh,
       [](World&) {
         ChainLimits limits = World().genesis.limits;
         limits.least_new_balance = 500;
         World w = limited(limits);
         w.must(w.workers[0], Transfer{hash_of("x"), 500, ""});
         return pay(w, hash_of("x"), 1);
       },
       V::ok},
  };
}

}  // namespace gradmint::test
