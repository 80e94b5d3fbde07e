#include <doctest/doctest.h>

#include "contracts/bytecode_scan.h"
#include "tests/contracts/rule_fixture.h"

using namespace gradmint::contracts;
using namespace gradmint::contracts::test;

TEST_CASE("what compiles and what is refused") {
  constexpr auto ok = RuleCode::ok;
  constexpr auto forbidden = RuleCode::forbidden_bytecode;
  const struct {
    std::string source;
    RuleCode expected;
  } table[] = {
      {handler(""), ok},
      {handler("local x = 7 // 2 + 7 % 3 - (5 & 3 | 1 ~ 2) << 1 >> 1"), ok},
      {handler("local t = {1, 2, n = 3} for i = 1, #t do t[i] = -t[i] end"), ok},
      {handler("for i = 10, 1, -1 do if i == 5 then break end end goto done ::done::"), ok},
      {handler("local function f(a) return a and not a end return f(event)"), ok},
      {handler("local w = event.pool > 5 and event['pool'] <= 7 or 'a' < 'b'"), ok},
      {"on_round_close = function(event) while event do event = nil end end", ok},
      {"", RuleCode::missing_handler},
      {"on_round_close = 5", RuleCode::missing_handler},
      {"on_round_close = mint", RuleCode::missing_handler},
      {"function on_claim(event) end", RuleCode::missing_handler},
      {"function on_round_close(", RuleCode::syntax_error},
      {"function on_round_close(event) return 1 + end", RuleCode::syntax_error},
      {"x = \"\n\"", RuleCode::syntax_error},
      {std::string(kMaxRuleSourceBytes + 1, ' '), RuleCode::too_large},
      {handler("local x = " + std::string(500, '(') + "1" + std::string(500, ')')),
       RuleCode::syntax_error},
      {std::string(500, '{'), RuleCode::syntax_error},
      {"error_here()" + handler(""), RuleCode::runtime_error},
      {"mint(1, 2)" + handler(""), RuleCode::bad_argument},
      {"while true do end", RuleCode::out_of_gas},
      // Floats, however they are written.
      {handler("return 1.5"), forbidden},
      {handler("return 1.0"), forbidden},
      {handler("return 1e3"), forbidden},
      {handler("return 0x1p4"), forbidden},
      {handler("return 9223372036854775808"), forbidden},  // too large for an integer: a float
      {handler("return 123456789.5"), forbidden},
      {handler("return event.pool / 2"), forbidden},
      {handler("return 2 / event.pool"), forbidden},
      {handler("return event.pool / event.round"), forbidden},
      {handler("return 7 / 2"), forbidden},  // folded into a constant by the compiler
      {handler("return 0 / 0"), forbidden},
      {handler("return event.pool ^ 2"), forbidden},
      {handler("return event.pool ^ event.round"), forbidden},
      {handler("return 2 ^ 2"), forbidden},
      {handler("return event.pool + 1.0"), forbidden},
      {handler("return event.pool == 1.0"), forbidden},
      {handler("return event.pool < 1.0"), forbidden},
      {handler("return 1.0 >= event.pool"), forbidden},
      {handler("for i = 1, 3, 0.5 do end"), forbidden},
      {handler("local t = {[0.5] = 1}"), forbidden},
      {handler("local function f() return function() return 0.5 end end"), forbidden},
      // Strings that could become numbers, or cost more than their gas.
      {handler("return 'a' .. 'b'"), forbidden},
      {handler("return 1 .. 2"), forbidden},
      {handler("for i = 1, '3.7' do end"), forbidden},
      {handler("return '10' + 1"), forbidden},
      {handler("return ' -.5'"), forbidden},
      {handler("return '0x10'"), forbidden},
      {handler("return '" + std::string(kMaxRuleStringBytes, 'a') + "'"), ok},
      {handler("return '" + std::string(kMaxRuleStringBytes + 1, 'a') + "'"), forbidden},
      // One instruction would copy any number of values.
      {handler("local function f(...) return ... end"), forbidden},
      {"local a = ... " + handler(""), forbidden},
      {handler("local x <close> = nil"), forbidden},
  };
  for (const auto& row : table) {
    CAPTURE(row.source.substr(0, 200));
    CHECK(compile_code(row.source) == row.expected);
  }
}

TEST_CASE("bytecode is not taken for source") {
  const std::string bytecode = compiled(handler("")).bytecode();
  CHECK(compile_code(bytecode) == RuleCode::syntax_error);
}

TEST_CASE("a refusal names line and reason") {
  const auto refused = compile_rule("local a = 1\n\n" + handler("return 1.5"), kManifest);
  REQUIRE(std::holds_alternative<RuleRefusal>(refused));
  CHECK(std::get<RuleRefusal>(refused).message == "rule:3: this function contains a float number");
}

TEST_CASE("a manifest for another host ABI is refused") {
  std::string manifest = kManifest;
  manifest.replace(manifest.find("abi = 1"), 7, "abi = 2");
  CHECK(compile_code(handler(""), manifest) == RuleCode::abi_mismatch);
  CHECK(compile_code(handler(""), "") == RuleCode::bad_manifest);
}

TEST_CASE("the scan stands any truncated or changed bytecode") {
  const std::string bytecode =
      compiled("local t = {a = 'text', 5, true}\n" + handler("return function() return t end"))
          .bytecode();
  CHECK(scan_bytecode(bytecode).code == RuleCode::ok);
  for (std::size_t length = 0; length < bytecode.size(); ++length) {
    CHECK(scan_bytecode(std::string_view(bytecode).substr(0, length)).code != RuleCode::ok);
  }
  CHECK(scan_bytecode(bytecode + "x").code == RuleCode::forbidden_bytecode);
  for (std::size_t i = 0; i < bytecode.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = bytecode;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      const RuleCode code = scan_bytecode(changed).code;
      if (i < 31) CHECK(code == RuleCode::abi_mismatch);
    }
  }
}

TEST_CASE("the ABI is named, and the rule's id depends on every part") {
  CHECK(rule_abi() == "Lua 5.4.4/int64/ptr8/abi1");
  CHECK(rule_id_preimage("ab", "c") != rule_id_preimage("a", "bc"));
  CHECK(rule_id_preimage("ab", "c") ==
        std::string("\x02\0\0\0ab\x01\0\0\0c\x19\0\0\0", 15) + rule_abi());
}

TEST_CASE("codes have one name each") {
  for (std::uint16_t a = 0; a <= 16; ++a) {
    const std::string name = rule_code_name(static_cast<RuleCode>(a));
    CHECK(name != "unknown");
    for (std::uint16_t b = 0; b < a; ++b) CHECK(name != rule_code_name(static_cast<RuleCode>(b)));
  }
  CHECK(std::string(rule_code_name(static_cast<RuleCode>(17))) == "unknown");
}
