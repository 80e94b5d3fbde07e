// Random programs, from seeds that a failure prints: whatever compiles ends within its limits, with
// a code, and does the same when it is run again.
#include <doctest/doctest.h>

#include <array>

#include "tests/contracts/rule_fixture.h"
#include "tests/dice.h"

using namespace gradmint::contracts;
using namespace gradmint::contracts::test;
using gradmint::test::Dice;

namespace {

std::string expression(Dice& dice, int depth) {
  static constexpr std::array<const char*, 12> kIntegers = {
      "0",           "1", "-1",   "3",    "9223372036854775807", "event.pool",
      "event.count", "7", "b[1]", "b[2]", "event.round",         "#event.accounts"};
  static constexpr std::array<const char*, 5> kOthers = {"a", "nil", "true", "'text'",
                                                         "event['x']"};
  if (depth == 0 || dice.below(3) == 0) {
    return dice.below(8) == 0 ? kOthers[dice.below(kOthers.size())]
                              : kIntegers[dice.below(kIntegers.size())];
  }
  static constexpr std::array<const char*, 16> kBinary = {
      "+", "-", "*", "//", "%", "&", "|", "<<", ">>", "~", "==", "<", "<=", "and", "or", "~="};
  const std::string left = expression(dice, depth - 1);
  const std::string right = expression(dice, depth - 1);
  switch (dice.below(8)) {
    case 0:
      return "add(" + left + ", " + right + ")";
    case 1:
      return "muldiv(" + left + ", " + right + ", 3)";
    case 2:
      return "apportion(" + left + ", {" + right + ", 1})";
    case 3:
      return "{" + left + ", x = " + right + "}";
    case 4:
      return "(function(c) a = c return " + left + " end)(" + right + ")";
    default:
      return "(" + left + " " + kBinary[dice.below(kBinary.size())] + " " + right + ")";
  }
}

std::string statement(Dice& dice, int depth) {
  const std::string value = expression(dice, 1);
  if (depth == 0) return "a = " + value + "\n";
  const std::string body = statement(dice, depth - 1) + statement(dice, depth - 1);
  switch (dice.below(7)) {
    case 0:
      return "for i = 1, " + value + " do " + body + " end\n";
    case 1:
      return "while " + value + " do " + body + " end\n";
    case 2:
      return "if " + value + " then " + body + " end\n";
    case 3:
      return "local b = " + value + "\n" + body;
    case 4:
      return "mint(event.accounts[1], " + value + ")\n" + body;
    case 5:
      return "b[" + value + "] = " + value + "\n" + body;
    default:
      return body;
  }
}

}  // namespace

TEST_CASE("random programs end within their limits and repeat") {
  const RoundCloseEvent event = event_of(2, 1000);
  const RuleLimits limits{50'000, 1U << 20, 64};
  std::array<int, 17> seen{};
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    CAPTURE(seed);
    Dice dice(seed);
    const std::string source =
        "local a, b = 1, {1, 2}\n" + handler(statement(dice, 3) + statement(dice, 2));
    const auto made = compile_rule(source, kManifest);
    if (const auto* refusal = std::get_if<RuleRefusal>(&made)) {
      ++seen[static_cast<std::size_t>(refusal->code)];
      continue;
    }
    const auto& rule = std::get<CompiledRule>(made);
    const RuleOutcome first = run_on_round_close(rule, event, limits);
    const RuleOutcome again = run_on_round_close(rule, event, limits);
    ++seen[static_cast<std::size_t>(first.code)];
    REQUIRE(first.gas_used <= limits.gas);
    REQUIRE(first.peak_memory_bytes <= limits.memory_bytes);
    REQUIRE(again.code == first.code);
    REQUIRE(again.gas_used == first.gas_used);
    REQUIRE(again.peak_memory_bytes == first.peak_memory_bytes);
    REQUIRE(again.mints == first.mints);
    std::uint64_t total = 0;
    for (const Mint& mint : first.mints) total += mint.amount;
    REQUIRE(total <= event.pool);
  }
  for (const RuleCode code :
       {RuleCode::ok, RuleCode::out_of_gas, RuleCode::runtime_error, RuleCode::bad_argument}) {
    CHECK(seen[static_cast<std::size_t>(code)] > 10);  // the programs are worth something
  }
  for (std::size_t code = 0; code < seen.size(); ++code) {
    if (seen[code] > 0) {
      MESSAGE(std::string(rule_code_name(static_cast<RuleCode>(code))), ": ", seen[code]);
    }
  }
}
