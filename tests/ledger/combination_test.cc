// Every aggregator with every pre-aggregation, optimizer and encoding through execute_round, two
// rounds in a row: the same result, evidence and all, on every CPU level and a second time.
#include <doctest/doctest.h>

#include <bit>
#include <cstdio>
#include <set>

#include "kernels/fixed_point.h"
#include "kernels/spec_text.h"
#include "ledger/close_plan.h"
#include "ledger/execute_round.h"
#include "ledger/hash.h"

using namespace gradmint;

namespace {

constexpr std::size_t kWorkers = 11;
constexpr std::size_t kParameters = 523;

constexpr const char* kAggregators[] = {"mean",
                                        "median",
                                        "trimmed_mean:f=2",
                                        "trimmed_mean:beta=0.2",
                                        "krum:f=2",
                                        "krum:f=2,convention=byzfl",
                                        "krum:f=2,convention=flower",
                                        "multi_krum:f=2",
                                        "multi_krum:f=2,m=3,convention=byzfl",
                                        "multi_krum:f=2,m=4,convention=flower",
                                        "bulyan:f=2",
                                        "bulyan:f=1,convention=one_shot",
                                        "geometric_median",
                                        "geometric_median:nu=0.1,scale=absolute,steps=3",
                                        "centered_clipping:tau=0.5",
                                        "centered_clipping:tau=2,steps=3",
                                        "mda:f=2"};
// Separated by spaces.
constexpr const char* kPre[] = {"",        "clip:tau=0.75",         "arc:f=2",
                                "nnm:f=2", "clip:tau=0.75 nnm:f=2", "arc:f=2 clip:tau=0.5 nnm:f=1"};
constexpr const char* kOptimizers[] = {"plain",          "momentum",    "nesterov:lr=0.5",
                                       "adagrad:lr=0.1", "adam:lr=0.1", "yogi:lr=0.1"};
constexpr const char* kEncodings[] = {"fp32"};

// What this program does not know yet is skipped, and said once.
void skip_loudly(const std::string& what) {
  static std::set<std::string> said;
  if (said.insert(what).second) std::printf("SKIPPED LOUDLY: %s\n", what.c_str());
}

std::optional<kernels::NamedRule> known_rule(const std::string& text, std::string_view kind,
                                             std::span<const kernels::RuleInfo> rules) {
  auto rule = kernels::parse_rule(text, kind, rules);
  if (rule) return *std::move(rule);
  skip_loudly(rule.error().message);
  return std::nullopt;
}

std::optional<std::vector<kernels::NamedRule>> known_pre(const std::string& list) {
  std::vector<kernels::NamedRule> pre;
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t end = std::min(list.find(' ', at), list.size());
    const auto rule =
        known_rule(list.substr(at, end - at), kernels::kPreKind, kernels::pre_rules());
    if (!rule) return std::nullopt;
    pre.push_back(*rule);
    at = end + 1;
  }
  return pre;
}

// Values of no pattern, the same everywhere; the last two workers are far from the others.
std::vector<float> update_of(std::size_t worker, std::uint64_t round) {
  std::vector<float> values(kParameters);
  std::uint64_t state = 1000 * round + worker;
  for (float& value : values) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    value = static_cast<float>(static_cast<std::int32_t>(state >> 32)) * 0x1p-35f;
    if (worker + 2 >= kWorkers) value = value * 8.0f + 1.0f;
  }
  return values;
}

// What a ledger would hold of a round with these rules.
struct PlayedRound {
  OpenRound open;
  CloseCommits close;
  std::vector<std::vector<float>> updates;
  RoundInputs inputs;
};

void prepare(PlayedRound& round, std::uint64_t number, const AggregationSpec& rules) {
  round.open.round = round.close.round = number;
  round.open.aggregation = rules;
  std::vector<int> exponents;
  std::uint32_t largest = 1;
  for (std::size_t i = 0; i < kWorkers; ++i) {
    round.updates.push_back(update_of(i, number));
    exponents.push_back(kernels::exponent_of_largest(round.updates.back()));
    CloseEntry entry;
    entry.worker.bytes.fill(static_cast<std::uint8_t>(i + 1));
    entry.weight = static_cast<std::uint32_t>(20 + 7 * (i % 5));
    largest = std::max(largest, entry.weight);
    round.close.entries.push_back(entry);
  }
  round.close.exponent = static_cast<std::int16_t>(kernels::choose_round_exponent(exponents));
  round.close.shift =
      static_cast<std::int16_t>(kernels::choose_shift(round.close.exponent, largest));
  for (std::size_t i = 0; i < kWorkers; ++i) {
    RoundPayload payload;
    payload.opening = Opening{};
    payload.exponent = static_cast<std::int16_t>(exponents[i]);
    payload.bytes = {reinterpret_cast<const std::uint8_t*>(round.updates[i].data()),
                     kParameters * sizeof(float)};
    round.inputs.payloads.push_back(payload);
  }
  round.inputs.open = &round.open;
  round.inputs.close = &round.close;
}

// The bytes of both results, one behind the other.
Bytes play(const AggregationSpec& rules, kernels::Backend& backend) {
  std::vector<float> model(kParameters, 0.25f);
  std::vector<float> state;
  Bytes both;
  for (const std::uint64_t number : {1u, 2u}) {
    PlayedRound round;
    prepare(round, number, rules);
    round.inputs.model = model;
    round.inputs.optimizer_state = state;
    auto execution = execute_round(round.inputs, backend);
    if (!execution) FAIL(execution.error().message);
    if (execution->failure != Verdict::ok) FAIL(execution->failure_text);
    CHECK_FALSE(execution->result.model_root.is_zero());
    const Bytes result = encode_record(execution->result);
    both.insert(both.end(), result.begin(), result.end());
    model = std::move(execution->model);
    state = std::move(execution->optimizer_state);
  }
  return both;
}

}  // namespace

TEST_CASE("every combination of rules gives the same result on every CPU level and again") {
  std::vector<std::unique_ptr<kernels::Backend>> backends;
  for (const kernels::CpuLevel level : kernels::supported_cpu_levels()) {
    backends.push_back(kernels::make_cpu_backend(level, 1));
  }
  backends.push_back(kernels::make_cpu_backend(kernels::supported_cpu_levels().back(), 2));
  backends.push_back(kernels::make_cpu_backend(kernels::supported_cpu_levels().front(), 1));
  std::size_t combinations = 0;
  std::set<Bytes> results;
  for (const char* aggregator : kAggregators) {
    const auto rule = known_rule(aggregator, kernels::kAggregatorKind, kernels::aggregator_rules());
    if (!rule) continue;
    for (const char* list : kPre) {
      const auto pre = known_pre(list);
      if (!pre) continue;
      for (const char* optimizer : kOptimizers) {
        CAPTURE(std::string(aggregator) + " | " + list + " | " + optimizer);
        const auto step =
            known_rule(optimizer, kernels::kOptimizerKind, kernels::optimizer_rules());
        REQUIRE(step.has_value());
        const auto complete = kernels::complete_spec({*pre, *rule, *step});
        REQUIRE(complete.ok());
        const AggregationSpec rules = ledger_spec(*complete);
        REQUIRE(specification_stands(rules));
        const Bytes expected = play(rules, *backends.front());
        results.insert(expected);
        for (const auto& backend : backends) {
          CAPTURE(backend->name());
          CHECK(play(rules, *backend) == expected);
        }
        ++combinations;
      }
    }
  }
  std::printf("combinations: %zu of rules, %zu encodings, %zu different results\n", combinations,
              std::size(kEncodings), results.size());
  CHECK(combinations > 0);
}
