#include "contracts/rule.h"
#include "kernels/base/check.h"
#include "tests/fuzz/target.h"

namespace gradmint::fuzz {
namespace {

using namespace contracts;

constexpr std::string_view kManifest =
    "name = \"sample\"\nversion = 1\nabi = 1\ncapabilities = [\"mint\"]\nmint_budget_ppm = "
    "1000000\n"
    "max_effects = 64\n";

RoundCloseEvent event() {
  RoundCloseEvent made;
  made.round = 3;
  made.pool = 1000;
  for (std::uint8_t i = 1; i <= 3; ++i) {
    Participant participant;
    participant.account[0] = i;
    participant.weight = i;
    participant.score_ppm = 250'000U * i;
    participant.accepted = i != 2;
    made.participants.push_back(participant);
  }
  return made;
}

// Whatever compiles ends within its limits, twice with the same outcome, and mints at most the
// pool.
void run(ByteView input) {
  const Halves parts = halves_of(input);
  static_cast<void>(parse_rule_manifest(text_of(parts.second)));
  const std::string_view manifest = parts.second.empty() ? kManifest : text_of(parts.second);
  const auto compiled = compile_rule(text_of(parts.first), manifest);
  const auto* rule = std::get_if<CompiledRule>(&compiled);
  if (rule == nullptr) return;
  RuleLimits limits;
  limits.gas = 200'000;
  limits.memory_bytes = 1U << 20;
  const RuleOutcome outcome = run_on_round_close(*rule, event(), limits);
  const RuleOutcome again = run_on_round_close(*rule, event(), limits);
  GRADMINT_CHECK(outcome.code == again.code && outcome.gas_used == again.gas_used &&
                 outcome.peak_memory_bytes == again.peak_memory_bytes &&
                 outcome.mints == again.mints);
  GRADMINT_CHECK(outcome.gas_used <= limits.gas &&
                 outcome.peak_memory_bytes <= limits.memory_bytes);
  std::uint64_t minted = 0;
  for (const Mint& mint : outcome.mints) minted += mint.amount;
  GRADMINT_CHECK(minted <= 1000);
}

std::vector<Bytes> seeds() {
  const BuiltinRule linear = builtin_rule("linear");
  const auto with = [](std::string_view source, std::string_view manifest) {
    return joined(bytes_of(source), bytes_of(manifest));
  };
  return {with(linear.source, linear.manifest), with(linear.source, {}),
          with("function on_round_close(event)\n  mint(event.accounts[1], muldiv(event.pool, 1, "
               "2))\nend\n",
               kManifest),
          with("local t = {}\nfunction on_round_close(event)\n  for i = 1, event.count do\n    "
               "t[i] = event.scores[i]\n"
               "  end\nend\n",
               {})};
}

}  // namespace

Target rule_target() { return {"rule", run, seeds}; }

}  // namespace gradmint::fuzz
