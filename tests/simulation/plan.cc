#include "tests/simulation/plan.h"

#include <algorithm>

#include "contracts/rule.h"
#include "tests/ledger/world.h"

namespace gradmint::simulation {
namespace {

kernels::NamedRule pick(std::span<const kernels::RuleInfo> rules, Seeded& dice) {
  return {std::string(rules[dice.below(rules.size())].name), {}};
}

// One whose parameters all have presets, with so few updates.
kernels::AggregateSpec aggregation_of(Seeded& dice) {
  constexpr std::string_view kForFew[] = {"mean", "median", "geometric_median"};
  kernels::AggregateSpec spec;
  spec.aggregator.name = kForFew[dice.below(std::size(kForFew))];
  spec.optimizer = pick(kernels::optimizer_rules(), dice);
  if (dice.below(3) == 0) spec.pre.push_back({"clip", {{"tau", 1.0f}}});
  auto complete = kernels::complete_spec(spec);
  if (complete) return *complete;
  return *kernels::complete_spec({});
}

kernels::Encoding encoding_of(Seeded& dice) {
  using kernels::EncodingKind;
  constexpr EncodingKind kKinds[] = {EncodingKind::fp32, EncodingKind::fp32, EncodingKind::bf16,
                                     EncodingKind::fp16, EncodingKind::int8, EncodingKind::int4,
                                     EncodingKind::top_k};
  const EncodingKind kind = kKinds[dice.below(std::size(kKinds))];
  return {kind, static_cast<std::uint16_t>(kind == EncodingKind::top_k ? 512 : 0)};
}

void set_rates(Plan& plan, Seeded& dice) {
  const auto set = [&](Fault fault, std::uint32_t most) {
    if (dice.below(2) == 0) return;
    plan.rates[static_cast<std::size_t>(fault)] = static_cast<std::uint32_t>(dice.below(most));
  };
  set(Fault::drop, 100'000);
  set(Fault::repeat, 100'000);
  set(Fault::cut, 50'000);
  set(Fault::delay, 100'000);
  set(Fault::disconnect, 10'000);
  set(Fault::kill, 2'000);
  set(Fault::power_cut, 4'000);
  set(Fault::disk_full, 2'000);
  set(Fault::judge_fails, 300'000);
  set(Fault::train_fails, 100'000);
  set(Fault::clock_jumps, 1'000);
  set(Fault::owner_pauses, 2'000);
  set(Fault::owner_suspends, 1'000);
  if (dice.below(3) != 0) return;
  set(Fault::order_refuses, 200'000);
  set(Fault::order_late, 200'000);
  set(Fault::order_repeats, 100'000);
  set(Fault::word_late, 200'000);
}

Settings settings_of(Seeded& dice, std::size_t workers) {
  Settings s;
  s.name = "simulated";
  s.model = "external";
  s.rounds = 2 + dice.below(2);
  s.min_workers = static_cast<std::uint32_t>(1 + dice.below(workers));
  s.limits.min_updates = static_cast<std::uint32_t>(1 + dice.below(s.min_workers));
  s.limits.train_deadline_ms = 60'000;
  s.limits.reveal_deadline_ms = 30'000;
  s.limits.stall_deadline_ms = 5'000;
  s.limits.evaluation_blocks = static_cast<std::uint32_t>(2 + dice.below(7));
  s.evaluation_deadline_ms = 10'000;
  s.evaluate_here = dice.below(2) == 0;
  s.aggregation = aggregation_of(dice);
  s.encoding = encoding_of(dice);
  s.training.optimizer = "sgd";
  s.training.seed = dice.next();
  s.threads = 1;
  s.backend = "cpu";
  s.emission = {1'000'000'000'000, 1000, 2'000'000'000'000'000};
  const contracts::BuiltinRule rule = contracts::builtin_rule("linear");
  s.rule_source = rule.source;
  s.rule_manifest = rule.manifest;
  return s;
}

}  // namespace

std::string_view lie_name(Lie lie) {
  constexpr std::string_view kNames[] = {"honest", "never reveals", "other bytes", "replays",
                                         "floods"};
  return kNames[static_cast<std::size_t>(lie)];
}

Plan plan_of(std::uint64_t seed) {
  Seeded dice(seed, 1, 0);
  Plan plan;
  plan.seed = seed;
  plan.workers.assign(2 + dice.below(3), Lie::none);
  if (dice.below(3) == 0) plan.workers.back() = static_cast<Lie>(1 + dice.below(4));
  plan.parameters = 8 + dice.below(40);  // no two updates are the same by chance
  plan.buffers = dice.below(3) == 0 ? dice.below(6) : 0;
  plan.settings = settings_of(dice, plan.workers.size());
  // Where a round cannot do without somebody who lies, there is none.
  std::uint32_t& least = plan.settings.limits.min_updates;
  if (plan.workers.back() != Lie::none)
    least = std::min(least, static_cast<std::uint32_t>(plan.workers.size() - 1));
  plan.invitations = dice.below(2) == 0;
  plan.sites_scale = dice.below(5) == 0;
  plan.settings.enrolment = plan.invitations ? Enrolment::invitation : Enrolment::open;
  if (dice.below(3) == 0) plan.aggregate_ms = 15'000;
  if (dice.below(4) == 0) plan.train_ms = 30'000;
  if (dice.below(8) != 0) set_rates(plan, dice);
  return plan;
}

Plan calm_plan(std::uint64_t seed) {
  Seeded dice(seed, 1, 0);
  Plan plan;
  plan.seed = seed;
  plan.workers.assign(2, Lie::none);
  plan.settings = settings_of(dice, 2);
  plan.settings.rounds = 1;
  plan.settings.min_workers = 2;
  plan.settings.enrolment = Enrolment::open;
  return plan;
}

std::string describe(const Plan& plan) {
  std::string text = std::to_string(plan.workers.size()) + " workers";
  for (const Lie lie : plan.workers) {
    if (lie != Lie::none) text += " (one " + std::string(lie_name(lie)) + ")";
  }
  const Settings& s = plan.settings;
  text += ", " + std::to_string(s.rounds) + " rounds, " + s.aggregation.aggregator.name + "/" +
          s.aggregation.optimizer.name + ", encoding " +
          std::to_string(static_cast<int>(s.encoding.kind)) + ", " +
          std::to_string(plan.parameters) + "+" + std::to_string(plan.buffers) +
          " values, judged " + (s.evaluate_here ? "here" : "by workers") +
          (plan.invitations ? ", invitations" : "") +
          (plan.sites_scale ? ", the sites' scaler" : "");
  return text;
}

}  // namespace gradmint::simulation
