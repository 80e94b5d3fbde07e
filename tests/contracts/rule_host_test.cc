#include <doctest/doctest.h>

#include "contracts/amount.h"
#include "contracts/effects.h"
#include "tests/contracts/rule_fixture.h"

using namespace gradmint::contracts;
using namespace gradmint::contracts::test;

namespace {

constexpr auto ok = RuleCode::ok;
constexpr auto bad_argument = RuleCode::bad_argument;

// Runs `return expression` and checks it against a value by minting only on equality.
bool gives(const std::string& expression, const std::string& value) {
  const RuleOutcome outcome =
      run_body("if " + expression + " == " + value + " then mint(event.accounts[1], 1) end");
  CHECK(outcome.code == ok);
  return outcome.mints.size() == 1;
}

}  // namespace

TEST_CASE("integer arithmetic") {
  CHECK(gives("add(2, 3)", "5"));
  CHECK(gives("add(-9223372036854775807, -1)", "-9223372036854775807 - 1"));
  CHECK(gives("sub(2, 3)", "-1"));
  CHECK(gives("mul(-4, 5)", "-20"));
  CHECK(gives("mul(3037000499, 3037000499)", "9223372030926249001"));
  CHECK(gives("muldiv(9223372036854775807, 9223372036854775807, 9223372036854775807)",
              "9223372036854775807"));
  CHECK(gives("muldiv(7, 3, 2)", "10"));
  CHECK(gives("muldiv(-7, 3, 2)", "-11"));  // floor, as // does
  CHECK(gives("muldiv(-6, 3, 2)", "-9"));
}

TEST_CASE("host functions refuse what they do not take") {
  const struct {
    const char* body;
    RuleCode expected;
  } table[] = {
      {"add(1)", bad_argument},
      {"add(1, 2, 3)", bad_argument},
      {"add('a', 2)", bad_argument},
      {"add(true, 2)", bad_argument},
      {"muldiv(1, 2, 0)", bad_argument},
      {"muldiv(1, 2, -1)", bad_argument},
      {"muldiv(9223372036854775807, 2, 1)", RuleCode::overflow},
      {"muldiv(9223372036854775807, -2, 1)", RuleCode::overflow},
      {"apportion(5)", bad_argument},
      {"apportion(-1, {1})", bad_argument},
      {"apportion(5, 5)", bad_argument},
      {"apportion(5, {1, -1})", bad_argument},
      {"apportion(5, {1, true})", bad_argument},
      {"apportion(5, {1, {}})", bad_argument},
      {"local t = {} for i = 1, 4096 do t[i] = 1 end apportion(5, t)", bad_argument},
      {"local t = {} for i = 1, 4095 do t[i] = 1 end apportion(5, t)", ok},
      {"mint()", bad_argument},
      {"mint(event.accounts[1])", bad_argument},
      {"mint(event.accounts[1], 0)", bad_argument},
      {"mint(event.accounts[1], -5)", bad_argument},
      {"mint(5, 5)", bad_argument},
      {"mint('short', 5)", bad_argument},
      {"mint(event.accounts[1], 5)", ok},
      {"mint('12345678901234567890123456789012', 5)", RuleCode::forbidden_bytecode},
      {"mint('abcdefghijklmnopqrstuvwxyzabcdef', 5)", RuleCode::unknown_account},
  };
  for (const auto& row : table) {
    CAPTURE(std::string(row.body));
    const RuleCode compiles = compile_code(handler(row.body));
    CHECK((compiles != ok ? compiles : run_body(row.body).code) == row.expected);
  }
}

TEST_CASE("apportion in a rule is the host's") {
  const RuleOutcome outcome =
      run_source(handler("local a = apportion(100, {1, 1, 1})\n"
                         "for i = 1, 3 do mint(event.accounts[i], a[i]) end"),
                 event_of(3, 100));
  CHECK(outcome.code == ok);
  CHECK(outcome.mints == std::vector<Mint>{{account(1), 34}, {account(2), 33}, {account(3), 33}});
}

TEST_CASE("a rule sees the event as it is") {
  RoundCloseEvent event = event_of(3, kMaxAmount);
  event.round = 77;
  event.participants[1] = {account(2), kMaxWeight, 123, false};
  const RuleOutcome outcome = run_source(
      handler("if event.round == 77 and event.pool == 9223372036854775807 and event.count == 3 "
              "and #event.accounts == 3 and event.weights[2] == 16777216 and "
              "event.scores_ppm[2] == 123 and event.accepted[2] == false and event.accepted[1] and "
              "event.accounts[1] < event.accounts[2] then mint(event.accounts[3], 9) end"),
      event);
  CHECK(outcome.code == ok);
  CHECK(outcome.mints == std::vector<Mint>{{account(3), 9}});
}

TEST_CASE("mints are merged by account, ascending, and held to the pool") {
  const struct {
    const char* body;
    RuleCode expected;
    std::vector<Mint> mints;
  } table[] = {
      {"mint(event.accounts[2], 1) mint(event.accounts[1], 2) mint(event.accounts[2], 3)",
       ok,
       {{account(1), 2}, {account(2), 4}}},
      {"mint(event.accounts[1], 1000)", ok, {{account(1), 1000}}},
      {"mint(event.accounts[1], 1001)", RuleCode::over_budget, {}},
      {"mint(event.accounts[1], 999) mint(event.accounts[2], 2)", RuleCode::over_budget, {}},
      {"for i = 1, 3 do mint(event.accounts[1], 9223372036854775807) end", RuleCode::overflow, {}},
      {"for i = 1, 64 do mint(event.accounts[1], 1) end", ok, {{account(1), 64}}},
      {"for i = 1, 65 do mint(event.accounts[1], 1) end", RuleCode::too_many_effects, {}},
      {"mint(event.accounts[1], 1) local x = nil x()", RuleCode::runtime_error, {}},
      {"", ok, {}},
  };
  for (const auto& row : table) {
    CAPTURE(std::string(row.body));
    const RuleOutcome outcome = run_body(row.body);
    CHECK(outcome.code == row.expected);
    CHECK(outcome.mints == row.mints);
  }
}

TEST_CASE("the manifest binds after the rule has returned") {
  const std::string body = handler("mint(event.accounts[1], event.pool // 2)");
  std::string half = kManifest;
  half.replace(half.find("1000000"), 7, "500000");
  CHECK(run_on_round_close(compiled(body, half), event_of(1, 1000), {}).code == ok);
  CHECK(run_on_round_close(compiled(body, half), event_of(1, 1001), {}).code == ok);
  std::string less = kManifest;
  less.replace(less.find("1000000"), 7, "499999");
  CHECK(run_on_round_close(compiled(body, less), event_of(1, 1000), {}).code ==
        RuleCode::over_budget);
  std::string none = kManifest;
  none.replace(none.find("[\"mint\"]"), 8, "[]");
  CHECK(run_on_round_close(compiled(body, none), event_of(1, 1000), {}).code ==
        RuleCode::missing_capability);
  CHECK(run_on_round_close(compiled(body), event_of(1, 1000), {1'000'000, 1U << 20, 0}).code ==
        RuleCode::too_many_effects);
}

TEST_CASE("check_mints stands by itself") {
  RuleManifest manifest;
  manifest.may_mint = true;
  manifest.mint_budget_ppm = 1'000'000;
  manifest.max_effects = 2;
  const RoundCloseEvent event = event_of(3, 100);
  CHECK(check_mints(manifest, event, {{account(1), 60}, {account(2), 40}}) == ok);
  CHECK(check_mints(manifest, event, {{account(1), 60}, {account(2), 41}}) ==
        RuleCode::over_budget);
  CHECK(check_mints(manifest, event, {{account(1), UINT64_MAX}, {account(2), UINT64_MAX}}) ==
        RuleCode::over_budget);
  CHECK(check_mints(manifest, event, {{account(9), 1}}) == RuleCode::unknown_account);
  CHECK(check_mints(manifest, event, {{account(1), 0}}) == bad_argument);
  CHECK(check_mints(manifest, event, {{account(1), 1}, {account(2), 1}, {account(3), 1}}) ==
        RuleCode::too_many_effects);
}

TEST_CASE("an event that breaks its contract is refused before the rule sees it") {
  const CompiledRule rule = compiled(handler(""));
  const auto code = [&](auto change) {
    RoundCloseEvent event = event_of(3, 100);
    change(event);
    return run_on_round_close(rule, event, {}).code;
  };
  CHECK(code([](RoundCloseEvent&) {}) == ok);
  CHECK(code([](RoundCloseEvent& e) { e.participants.clear(); }) == ok);
  CHECK(code([](RoundCloseEvent& e) { e.pool = kMaxWeight; }) == ok);
  CHECK(code([](RoundCloseEvent& e) { e.pool = 1ULL << 63; }) == RuleCode::bad_event);
  CHECK(code([](RoundCloseEvent& e) { e.round = 1ULL << 63; }) == RuleCode::bad_event);
  CHECK(code([](RoundCloseEvent& e) { std::swap(e.participants[0], e.participants[1]); }) ==
        RuleCode::bad_event);
  CHECK(code([](RoundCloseEvent& e) { e.participants[0] = e.participants[1]; }) ==
        RuleCode::bad_event);
  CHECK(code([](RoundCloseEvent& e) { e.participants[0].weight = kMaxWeight + 1; }) ==
        RuleCode::bad_event);
  CHECK(code([](RoundCloseEvent& e) { e.participants[0].score_ppm = kMaxScorePpm + 1; }) ==
        RuleCode::bad_event);
  CHECK(code([](RoundCloseEvent& e) { e = event_of(4096, 1); }) == RuleCode::bad_event);
}
