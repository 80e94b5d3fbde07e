#include "coordinator/server/settings.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "contracts/amount.h"
#include "contracts/rule.h"
#include "coordinator/config/toml_config.h"
#include "coordinator/server/aggregation_settings.h"
#include "kernels/preconditions.h"
#include "ledger/durable_file.h"
#include "ledger/keys.h"

namespace gradmint {
namespace {

constexpr std::int64_t kMaxMs = 7 * 24 * 3600 * 1000LL;

void read_chain(TomlConfig& toml, Settings& s) {
  toml.text("chain.name", s.name);
  std::string mode = "invitation";
  toml.choice("chain.enrolment", mode, {"open", "invitation", "allow_list"});
  s.enrolment = mode == "open"         ? Enrolment::open
                : mode == "invitation" ? Enrolment::invitation
                                       : Enrolment::allow_list;
  std::vector<std::string> allowed;
  toml.texts("chain.allowed", allowed);
  for (const std::string& address : allowed) {
    if (const auto account = parse_address(address)) {
      s.allowed.push_back(*account);
    } else {
      toml.refuse("chain.allowed", "'" + address + "' is not an address (gm1…)");
    }
  }
  std::sort(s.allowed.begin(), s.allowed.end());
  s.allowed.erase(std::unique(s.allowed.begin(), s.allowed.end()), s.allowed.end());
  toml.text("network.join", s.join_endpoint);
  s.configured_join = s.join_endpoint;
  toml.text("network.work", s.work_endpoint);
  toml.text("network.public_join", s.public_join);
}

template <class Value>
void read_parsed(TomlConfig& toml, const std::string& key,
                 Result<Value> (*parse)(const std::string&), std::optional<Value>& into) {
  if (!toml.has(key)) return;
  std::string text;
  toml.text(key, text);
  auto value = parse(text);
  if (value) {
    into = *std::move(value);
  } else {
    toml.refuse(key, value.error().message);
  }
}

void read_rounds(TomlConfig& toml, Settings& s) {
  toml.text("task.model", s.model);
  toml.choice("task.objective", s.objective, {"classification", "regression"});
  toml.path("task.initial", s.initial);
  toml.path("task.program", s.program);
  toml.path("task.contract", s.contract);
  toml.texts("task.buffers", s.buffers);
  toml.integer("rounds.count", s.rounds, 1, 1'000'000'000);
  read_parsed(toml, "rounds.stop_when", parse_goal, s.stop_when);
  read_parsed(toml, "rounds.best_by", parse_ranking, s.best_by);
  // With fewer updates the aggregator would refuse every round.
  const auto least = static_cast<std::uint32_t>(kernels::least_updates(s.aggregation));
  s.min_workers = std::max(s.min_workers, least);
  s.limits.min_updates = std::max(s.limits.min_updates, least);
  toml.integer("rounds.min_workers", s.min_workers, 1, kMaxMembers);
  toml.integer("rounds.min_updates", s.limits.min_updates, 1, kMaxMembers);
  if (s.limits.min_updates < least) {
    toml.refuse("rounds.min_updates", "is too small: the rules in [aggregation] need at least " +
                                          std::to_string(least) + " updates");
  }
  toml.integer("rounds.max_examples", s.limits.max_examples, 1,
               static_cast<std::int64_t>(kMaxExamples));
  toml.integer("rounds.train_deadline_ms", s.limits.train_deadline_ms, 100, kMaxMs);
  toml.integer("rounds.reveal_deadline_ms", s.limits.reveal_deadline_ms, 100, kMaxMs);
  toml.integer("rounds.stall_deadline_ms", s.limits.stall_deadline_ms, 100, kMaxMs);
  toml.integer("rounds.evaluation_blocks", s.limits.evaluation_blocks, 1, 1'000'000);
  toml.integer("rounds.evaluation_deadline_ms", s.evaluation_deadline_ms, 100, kMaxMs);
  if (s.limits.min_updates > s.min_workers) {
    toml.refuse("rounds.min_updates", "must not exceed rounds.min_workers");
  }
}

std::uint32_t fp32_bits(double value) {
  return std::bit_cast<std::uint32_t>(static_cast<float>(value));
}

void read_training(TomlConfig& toml, Settings& s) {
  TrainingSpec& t = s.training;
  double learning_rate = 0.1, momentum = 0.0;
  if (toml.has("training.local_steps") && !toml.has("training.local_epochs")) t.local_epochs = 0;
  toml.integer("training.local_epochs", t.local_epochs, 0, 1'000'000);
  toml.integer("training.local_steps", t.local_steps, 0, 1'000'000'000);
  toml.integer("training.batch_size", t.batch_size, 1, 1 << 24);
  toml.number("training.learning_rate", learning_rate, 0.0, 1e6);
  toml.number("training.momentum", momentum, 0.0, 1.0);
  toml.choice("training.optimizer", t.optimizer, {"sgd", "adam"});
  toml.integer("training.seed", t.seed, 0, std::numeric_limits<std::int64_t>::max());
  std::string encoding = kernels::name_of(s.encoding);
  toml.text("training.encoding", encoding);
  if (const auto parsed = kernels::parse_encoding(encoding); parsed.ok()) {
    s.encoding = *parsed;
  } else {
    toml.refuse("training.encoding", parsed.error().message);
  }
  t.learning_rate_bits = fp32_bits(learning_rate);
  t.momentum_bits = fp32_bits(momentum);
  if (t.local_steps != 0 && t.local_epochs != 0) {
    toml.refuse("training.local_steps", "give either local_epochs or local_steps, not both");
  }
  if (t.local_steps == 0 && t.local_epochs == 0) {
    toml.refuse("training.local_epochs", "local_epochs and local_steps must not both be 0");
  }
}

Result<std::string> read_text_file(const std::filesystem::path& file, std::size_t cap_bytes) {
  auto bytes = read_file(file, cap_bytes);
  if (!bytes) return bytes.error();
  return std::string(bytes->begin(), bytes->end());
}

void read_rewards(TomlConfig& toml, Settings& s) {
  std::string rule = "linear", initial = "100", cap = "200000";
  s.emission.halving_rounds = 1000;
  toml.text("rewards.rule", rule);
  toml.path("rewards.rule_file", s.rule_file);
  toml.path("rewards.manifest_file", s.manifest_file);
  toml.text("rewards.initial_per_round", initial);
  toml.integer("rewards.halving_rounds", s.emission.halving_rounds, 1, 1'000'000'000'000);
  toml.text("rewards.cap", cap);
  const auto amount = [&](const char* key, const std::string& text, std::uint64_t& out) {
    const auto parsed = contracts::parse_amount(text);
    if (!parsed) return toml.refuse(key, "'" + text + "' is not an amount like \"12.5\"");
    out = *parsed;
  };
  amount("rewards.initial_per_round", initial, s.emission.initial_per_round);
  amount("rewards.cap", cap, s.emission.cap);
  if (const char* fault = contracts::emission_fault(s.emission)) toml.refuse("rewards.cap", fault);

  if (s.rule_file.empty() != s.manifest_file.empty()) {
    toml.refuse("rewards.rule_file", "give rule_file and manifest_file together");
  }
  const contracts::BuiltinRule builtin = contracts::builtin_rule(rule);
  if (builtin.source.empty())
    toml.refuse("rewards.rule", "there is no built-in rule '" + rule + "'");
  s.rule_source = builtin.source;
  s.rule_manifest = builtin.manifest;
}

void read_limits(TomlConfig& toml, Settings& s) {
  ChainLimits& limits = s.chain_limits;
  const ChainLimits &least = kLeastChainLimits, &most = kMostChainLimits;
  // The first round waits for so many.
  limits.registrations_per_round = std::max(limits.registrations_per_round, s.min_workers);
  const auto whole = [&](const char* key, std::uint32_t ChainLimits::*field) {
    toml.integer(key, limits.*field, least.*field, most.*field);
  };
  whole("limits.datasets_per_worker", &ChainLimits::datasets_per_worker);
  whole("limits.statements_per_round", &ChainLimits::statements_per_round);
  whole("limits.registrations_per_round", &ChainLimits::registrations_per_round);
  whole("limits.rotation_delay_blocks", &ChainLimits::rotation_delay_blocks);
  whole("rounds.suspend_after", &ChainLimits::suspend_after_rounds);
  std::string balance = contracts::format_amount(limits.least_new_balance);
  toml.text("limits.least_new_balance", balance);
  const auto parsed = contracts::parse_amount(balance);
  if (!parsed || *parsed < least.least_new_balance) {
    toml.refuse("limits.least_new_balance", "'" + balance + "' is not an amount like \"0.5\"");
  } else {
    limits.least_new_balance = *parsed;
  }
  if (s.min_workers > limits.registrations_per_round) {
    toml.refuse("limits.registrations_per_round", "must be at least rounds.min_workers");
  }
}

void read_evaluation(TomlConfig& toml, Settings& s) {
  std::string by = "coordinator";
  toml.choice("evaluation.by", by, {"coordinator", "workers"});
  toml.text("evaluation.evaluator", s.evaluator);
  toml.text("evaluation.command", s.evaluation_command);
  s.evaluate_here = by == "coordinator";
  if (s.evaluate_here && s.evaluation_command.empty() && s.evaluator.empty()) {
    toml.refuse(
        "evaluation.command",
        "must be a program that evaluates models (gradmint-worker evaluate --serve ...), or name "
        "one of your own as evaluation.evaluator, or let the workers do it: evaluation.by = "
        "\"workers\"");
  }
  if (!s.evaluator.empty() && !s.evaluate_here)
    toml.refuse("evaluation.evaluator", "is the coordinator's: evaluation.by says workers do it");
  if (s.evaluator.empty()) return;
  if (!s.evaluation_command.empty())
    toml.refuse("evaluation.evaluator", "stands beside evaluation.command: leave one out");
  s.evaluation_command = "gradmint-worker evaluate --serve";  // which runs it
}

}  // namespace

Status read_rule_files(Settings& settings) {
  if (settings.rule_file.empty()) return {};
  auto source = read_text_file(settings.rule_file, contracts::kMaxRuleSourceBytes);
  if (!source) return source.error();
  auto manifest = read_text_file(settings.manifest_file, contracts::kMaxRuleManifestBytes);
  if (!manifest) return manifest.error();
  settings.rule_source = *std::move(source);
  settings.rule_manifest = *std::move(manifest);
  return {};
}

Result<Settings> load_settings(const std::filesystem::path& file) {
  auto loaded = TomlConfig::load(file);
  if (!loaded) return loaded.error();
  TomlConfig& toml = *loaded;
  Settings s;
  s.file = file;
  read_chain(toml, s);
  read_aggregation(toml, s.aggregation);
  read_rounds(toml, s);
  read_training(toml, s);
  read_evaluation(toml, s);
  read_rewards(toml, s);
  read_limits(toml, s);
  toml.integer("keys.scrypt_log2_n", s.scrypt_log2_n, 10, 24);
  toml.boolean("run.exit_when_finished", s.exit_when_finished);
  toml.text("run.backend", s.backend);
  toml.integer("run.threads", s.threads, 0, 1024);
  if (Status status = toml.finish(); !status) return status.error();
  return s;
}

}  // namespace gradmint
