// Each known way to make an embedded Lua diverge, hang or escape (docs/rules.md), tried.
#include <doctest/doctest.h>

#include "tests/contracts/rule_fixture.h"

using namespace gradmint::contracts;
using namespace gradmint::contracts::test;

namespace {

constexpr RuleLimits kSmall{500'000, 1U << 20, 64};

RuleCode code_of(const std::string& body, const RuleLimits& limits = kSmall) {
  const RuleOutcome outcome = run_body(body, limits);
  CHECK(outcome.gas_used <= limits.gas);
  CHECK(outcome.peak_memory_bytes <= limits.memory_bytes);
  if (outcome.code != RuleCode::ok) CHECK(outcome.mints.empty());
  return outcome.code;
}

}  // namespace

TEST_CASE("nothing of the standard library exists") {
  for (const char* name :
       {"pairs",         "next",     "ipairs",   "pcall",        "xpcall",       "error",
        "assert",        "load",     "loadfile", "loadstring",   "dofile",       "require",
        "print",         "tostring", "tonumber", "setmetatable", "getmetatable", "rawget",
        "rawset",        "rawlen",   "rawequal", "select",       "type",         "unpack",
        "warn",          "string",   "table",    "math",         "os",           "io",
        "debug",         "utf8",     "package",  "coroutine",    "_G",           "_VERSION",
        "collectgarbage"}) {
    CAPTURE(std::string(name));
    CHECK(code_of("if " + std::string(name) + " ~= nil then local x = nil; x() end") ==
          RuleCode::ok);
    CHECK(code_of(std::string(name) + "()") == RuleCode::runtime_error);
  }
}

TEST_CASE("strings have no methods, and no metatable to reach one through") {
  for (const char* method : {"rep", "find", "gsub", "format", "dump", "len"}) {
    CAPTURE(std::string(method));
    CHECK(code_of("local s = 'a'; s:" + std::string(method) + "(5)") == RuleCode::runtime_error);
  }
  CHECK(code_of("return event.accounts[1].x") == RuleCode::runtime_error);
}

TEST_CASE("endless work ends by gas, and gas never passes the limit") {
  for (const char* body : {
           "while true do end",
           "::again:: goto again",
           "for i = 1, 9223372036854775807 do end",
           "local function f() return f() end return f()",
           "while true do add(1, 2) end",
           "local t = {} while true do apportion(5, t) end",
           "local t = {1, 2} while true do t[1], t[2] = t[2], t[1] end",
       }) {
    CAPTURE(std::string(body));
    const RuleOutcome outcome = run_body(body, {kSmall.gas, 16U << 20, 64});
    CHECK(outcome.code == RuleCode::out_of_gas);
    CHECK(outcome.gas_used == kSmall.gas);
    CHECK(outcome.line > 0);
  }
  // Where the last of it is spent on bytes, the same.
  CHECK(code_of("repeat local t = {} until false", {kSmall.gas, 16U << 20, 64}) ==
        RuleCode::out_of_gas);
}

TEST_CASE("any gas limit below what a run needs stops it, any other gives the same result") {
  const std::string body =
      "local s = {} for i = 1, event.count do s[i] = i end\n"
      "local a = apportion(event.pool, s) for i = 1, event.count do mint(event.accounts[i], a[i]) "
      "end";
  const RuleOutcome whole = run_body(body);
  REQUIRE(whole.code == RuleCode::ok);
  REQUIRE(whole.gas_used < 5000);
  for (std::uint64_t gas = 0; gas < whole.gas_used + 3; ++gas) {
    const RuleOutcome outcome = run_body(body, {gas, 1U << 20, 64});
    REQUIRE(outcome.code == (gas < whole.gas_used ? RuleCode::out_of_gas : RuleCode::ok));
    REQUIRE(outcome.gas_used == std::min(gas, whole.gas_used));
    REQUIRE(outcome.mints == (gas < whole.gas_used ? std::vector<Mint>{} : whole.mints));
  }
}

TEST_CASE("any memory limit below what a run needs stops it, any other gives the same result") {
  const std::string body =
      "local t = {} for i = 1, 100 do t[i] = {i} end mint(event.accounts[1], 5)";
  const RuleOutcome whole = run_body(body);
  REQUIRE(whole.code == RuleCode::ok);
  for (std::uint64_t bytes = 0; bytes < whole.peak_memory_bytes + 64; bytes += 16) {
    const RuleOutcome outcome = run_body(body, {1'000'000, bytes, 64});
    const bool enough = bytes >= whole.peak_memory_bytes;
    REQUIRE(outcome.code == (enough ? RuleCode::ok : RuleCode::out_of_memory));
    REQUIRE(outcome.peak_memory_bytes <= bytes);
  }
}

TEST_CASE("growth ends by memory or by the gas that its bytes cost") {
  const RuleLimits plenty_of_gas{100'000'000, 1U << 20, 64};
  for (const char* body : {
           "local t = {} for i = 1, 9223372036854775807 do t[i] = i end",
           "local t = {} while true do t = {t} end",
           "local t = {} local i = 0 while true do i = i + 1 t[-i] = {} end",
           "local function f() return add(f(), 1) end return f()",
           "local function f(a, b, c, d, e) local x = f(a, b, c, d, e) return x end return f()",
       }) {
    CAPTURE(std::string(body));
    const RuleCode code = code_of(body, plenty_of_gas);
    CHECK((code == RuleCode::out_of_memory || code == RuleCode::runtime_error));
  }
  // Garbage is never collected, so churn is growth.
  CHECK(code_of("while true do local t = {1, 2, 3} end", plenty_of_gas) == RuleCode::out_of_memory);
  // A full table that swaps one key for another is rebuilt each time: its bytes are charged.
  const RuleOutcome churn = run_body(
      "local t = {} for i = 1, 4096 do t[i * 1000003] = 1 end\n"
      "local i = 1 while true do t[i * 1000003] = nil t[(i + 4096) * 1000003] = 1 i = i + 1 end",
      {2'000'000, 16U << 20, 64});
  CHECK(churn.code == RuleCode::out_of_gas);
}

TEST_CASE("an error inside an error's handling still ends the run") {
  CHECK(code_of("local function f() local x = nil; x() end f()") == RuleCode::runtime_error);
  CHECK(code_of("return nil + 1") == RuleCode::runtime_error);
  CHECK(code_of("return #5") == RuleCode::runtime_error);
  CHECK(code_of("local t = {} t[nil] = 1") == RuleCode::runtime_error);
  CHECK(code_of("return {} < {}") == RuleCode::runtime_error);
  CHECK(code_of("return 1 < 'a'") == RuleCode::runtime_error);
  CHECK(code_of("return 1 // 0") == RuleCode::runtime_error);
  CHECK(code_of("return 1 % 0") == RuleCode::runtime_error);
  CHECK(code_of("for i = 1, 2, 0 do end") == RuleCode::runtime_error);
}

TEST_CASE("strings are never numbers") {
  // Account bytes are the only strings a rule can get hold of that it did not spell out.
  RoundCloseEvent event = event_of(1, 1000);
  event.participants[0].account.fill('1');
  for (const char* body : {
           "return event.accounts[1] + 1",
           "return event.accounts[1] | 1",
           "return -event.accounts[1]",
           "return event.accounts[1] < 5",
           "return add(event.accounts[1], 1)",
           "return apportion(event.accounts[1], {1})",
           "return mint(event.accounts[1], event.accounts[1])",
       }) {
    CAPTURE(std::string(body));
    const RuleCode code = run_source(handler(body), event).code;
    CHECK((code == RuleCode::runtime_error || code == RuleCode::bad_argument));
  }
}

TEST_CASE("wrapping cannot mint: host arithmetic refuses it, and a negative amount is none") {
  CHECK(code_of("return add(9223372036854775807, 1)") == RuleCode::overflow);
  CHECK(code_of("return sub(-9223372036854775807, 2)") == RuleCode::overflow);
  CHECK(code_of("return mul(4294967296, 4294967296)") == RuleCode::overflow);
  CHECK(code_of("mint(event.accounts[1], 9223372036854775807 + 1)") == RuleCode::bad_argument);
  CHECK(code_of("mint(event.accounts[1], (-9223372036854775807 - 1) // -1)") ==
        RuleCode::bad_argument);
}

TEST_CASE("a rule can break its own globals and the event, and nobody else's") {
  const CompiledRule rule = compiled(
      "local seen = 0\n" +
      handler("seen = seen + 1 mint(event.accounts[1], seen) add = nil event.accounts[1] = 'x' "
              "event.pool = 0 mint = nil on_round_close = nil"));
  const RoundCloseEvent event = event_of(2, 1000);
  for (int i = 0; i < 3; ++i) {
    const RuleOutcome outcome = run_on_round_close(rule, event, {});
    REQUIRE(outcome.code == RuleCode::ok);
    REQUIRE(outcome.mints == std::vector<Mint>{{account(1), 1}});
  }
}

TEST_CASE("recursion is bounded well before the machine's stack") {
  const RuleCode code = code_of("local function f(n) local r = f(n + 1) return r end f(1)",
                                {100'000'000, 64U << 20, 64});
  CHECK((code == RuleCode::runtime_error || code == RuleCode::out_of_memory));
}
