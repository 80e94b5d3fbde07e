// A small vocabulary for tests of rules: compile a text, run it on a small event.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "contracts/rule.h"

namespace gradmint::contracts::test {

inline const std::string kManifest =
    "name = \"sample\"\nversion = 1\nabi = 1\ncapabilities = [\"mint\"]\n"
    "mint_budget_ppm = 1000000\nmax_effects = 64\n";

inline Account account(int number) {
  Account made{};
  made[0] = static_cast<std::uint8_t>(number >> 8);
  made[1] = static_cast<std::uint8_t>(number);
  made[31] = 0x5A;
  return made;
}

// `count` accepted participants of weight 1 and full score.
inline RoundCloseEvent event_of(int count, std::uint64_t pool) {
  RoundCloseEvent event;
  event.round = 1;
  event.pool = pool;
  for (int i = 0; i < count; ++i) {
    event.participants.push_back({account(i + 1), 1, kMaxScorePpm, true});
  }
  return event;
}

// The code that compiling ends with.
inline RuleCode compile_code(const std::string& source, const std::string& manifest = kManifest) {
  const auto compiled = compile_rule(source, manifest);
  const auto* refusal = std::get_if<RuleRefusal>(&compiled);
  if (refusal == nullptr) return RuleCode::ok;
  CHECK(refusal->code != RuleCode::ok);
  CHECK_FALSE(refusal->message.empty());
  CHECK(refusal->message.find('\n') == std::string::npos);
  return refusal->code;
}

inline CompiledRule compiled(const std::string& source, const std::string& manifest = kManifest) {
  auto made = compile_rule(source, manifest);
  if (const auto* refusal = std::get_if<RuleRefusal>(&made)) {
    FAIL("does not compile: " << refusal->message << "\n" << source);
  }
  return std::get<CompiledRule>(std::move(made));
}

// A rule whose handler has this body, with `event` as its argument.
inline std::string handler(const std::string& body) {
  return "function on_round_close(event)\n" + body + "\nend\n";
}

inline RuleOutcome run_source(const std::string& source, const RoundCloseEvent& event,
                              const RuleLimits& limits = {}) {
  return run_on_round_close(compiled(source), event, limits);
}

// Runs a handler body for two participants and a pool of 1000.
inline RuleOutcome run_body(const std::string& body, const RuleLimits& limits = {}) {
  return run_source(handler(body), event_of(2, 1000), limits);
}

}  // namespace gradmint::contracts::test
