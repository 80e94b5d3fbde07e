#include <doctest/doctest.h>

#include "tests/contracts/rule_fixture.h"

using namespace gradmint::contracts;
using namespace gradmint::contracts::test;

namespace {

// The refusal's message, or "" when the manifest is accepted.
std::string refusal_of(const std::string& text) {
  const auto parsed = parse_rule_manifest(text);
  const auto* refusal = std::get_if<RuleRefusal>(&parsed);
  if (refusal == nullptr) return "";
  CHECK(refusal->message.find('\n') == std::string::npos);
  return refusal->message;
}

std::string replaced(std::string from, const std::string& to) {
  std::string text = kManifest;
  return text.replace(text.find(from), from.size(), to);
}

}  // namespace

TEST_CASE("every key is read") {
  const auto parsed = parse_rule_manifest(
      "# pays half\n  name=\"half_pay\" # its name\n\nversion = 12\nabi = 1\n"
      "capabilities = [ \"mint\" ]\nmint_budget_ppm = 500000\nmax_effects = 4095");
  REQUIRE(std::holds_alternative<RuleManifest>(parsed));
  const auto& manifest = std::get<RuleManifest>(parsed);
  CHECK(manifest.name == "half_pay");
  CHECK(manifest.version == 12);
  CHECK(manifest.abi == 1);
  CHECK(manifest.may_mint);
  CHECK(manifest.mint_budget_ppm == 500000);
  CHECK(manifest.max_effects == 4095);
  CHECK(refusal_of(replaced("[\"mint\"]", "[]")).empty());
}

TEST_CASE("anything else is refused, and the line and key are named") {
  const struct {
    std::string text;
    const char* expected;
  } table[] = {
      {"", "name is missing"},
      {replaced("version = 1\n", ""), "version is missing"},
      {kManifest + "gas = 5\n", "line 7: gas is not one this version knows"},
      {kManifest + "name = \"again\"\n", "line 7: name is given twice"},
      {kManifest + "[table]\n", "line 7: expected key = value"},
      {kManifest + "\x01 = 1\n", "line 7: key is not one"},
      {replaced("\"sample\"", "sample"), "line 1: name must be a quoted name"},
      {replaced("\"sample\"", "\"\""), "name must"},
      {replaced("\"sample\"", "\"9lives\""), "name must"},
      {replaced("\"sample\"", "\"Sample\""), "name must"},
      {replaced("\"sample\"", "\"" + std::string(33, 'a') + "\""), "name must"},
      {replaced("version = 1", "version = 0"), "version must be at least 1"},
      {replaced("version = 1", "version = -1"), "version must be a decimal integer"},
      {replaced("version = 1", "version = 01"), "version must be a decimal integer"},
      {replaced("version = 1", "version = 1.0"), "version must be a decimal integer"},
      {replaced("version = 1", "version = 0x1"), "version must be a decimal integer"},
      {replaced("version = 1", "version = 4294967296"), "fit 32 bits"},
      {replaced("version = 1", "version = 99999999999999999999"), "decimal integer"},
      {replaced("[\"mint\"]", "[\"slash\"]"), "capabilities must"},
      {replaced("[\"mint\"]", "[\"mint\", \"mint\"]"), "capabilities must"},
      {replaced("[\"mint\"]", "\"mint\""), "capabilities must"},
      {replaced("1000000", "1000001"), "mint_budget_ppm must be at most 1000000"},
      {replaced("64", "4096"), "max_effects must be at most 4095"},
      {std::string(4097, '\n'), "over 4096 bytes"},
  };
  for (const auto& row : table) {
    CAPTURE(row.text);
    const std::string said = refusal_of(row.text);
    CAPTURE(said);
    CHECK(said.find(row.expected) != std::string::npos);
  }
}

TEST_CASE("no prefix and no changed byte of a manifest crashes the parser") {
  for (std::size_t length = 0; length < kManifest.size(); ++length) {
    refusal_of(kManifest.substr(0, length));
  }
  for (std::size_t i = 0; i < kManifest.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = kManifest;
      text[i] = static_cast<char>(byte);
      refusal_of(text);
    }
  }
}
