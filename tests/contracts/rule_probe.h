// What a set of rules does, as text. Shared by the probe program and the test that starts it.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "contracts/rule.h"

namespace gradmint::contracts::test {

inline std::vector<std::string> probe_sources() {
  const std::string open = "function on_round_close(event)\n";
  return {
      std::string(builtin_rule("linear").source),
      // String keys, whose hashes are seeded differently in every state.
      open +
          "local t = {} for i = 1, event.count do t[event.accounts[i]] = i end\n"
          "for i = 1, event.count do t['k'] = i t[event.accounts[i]] = nil end\n"
          "for i = 1, event.count do t[event.accounts[event.count + 1 - i]] = {i} end\n"
          "mint(event.accounts[1], #t + 1) end",
      // String order, which goes through the locale.
      open +
          "local n = 1 if 'a' < 'B' then n = n + 2 end if '_' < 'a' then n = n + 4 end\n"
          "for i = 2, event.count do if event.accounts[i - 1] < event.accounts[i] then n = n + 8 "
          "end end mint(event.accounts[1], n) end",
      open + "while true do end end",
      open + "local t = {} while true do t = {t} end end",
      open + "local x = nil x() end",
      open + "mint(event.accounts[1], add(9223372036854775807, event.count)) end",
  };
}

inline RoundCloseEvent probe_event() {
  RoundCloseEvent event;
  event.round = 3;
  event.pool = 1'000'000'007;
  for (int i = 0; i < 200; ++i) {
    Participant worker;
    worker.account[0] = static_cast<std::uint8_t>(i);
    worker.account[7] = static_cast<std::uint8_t>(i * 37);
    worker.weight = static_cast<std::uint64_t>(i * i % 97);
    worker.score_ppm = static_cast<std::uint64_t>(i * 4999);
    worker.accepted = i % 7 != 0;
    event.participants.push_back(worker);
  }
  return event;
}

inline std::string probe_report() {
  const std::string manifest =
      "name = \"probe\"\nversion = 1\nabi = 1\ncapabilities = [\"mint\"]\n"
      "mint_budget_ppm = 1000000\nmax_effects = 4095\n";
  std::string report;
  for (const std::string& source : probe_sources()) {
    const auto compiled = compile_rule(source, manifest);
    if (const auto* refusal = std::get_if<RuleRefusal>(&compiled)) {
      report += "refused: " + refusal->message + "\n";
      continue;
    }
    const RuleOutcome outcome = run_on_round_close(std::get<CompiledRule>(compiled), probe_event(),
                                                   {2'000'000, 4U << 20, kMaxEffects});
    std::uint64_t digest = 0;
    for (const Mint& mint : outcome.mints) {
      for (const std::uint8_t byte : mint.account) digest = digest * 31 + byte;
      digest = digest * 31 + mint.amount;
    }
    report += std::string(rule_code_name(outcome.code)) + " gas " +
              std::to_string(outcome.gas_used) + " peak " +
              std::to_string(outcome.peak_memory_bytes) + " mints " +
              std::to_string(outcome.mints.size()) + " digest " + std::to_string(digest) + "\n";
  }
  return report;
}

}  // namespace gradmint::contracts::test
