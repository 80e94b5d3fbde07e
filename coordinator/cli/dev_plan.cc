#include "coordinator/cli/dev_plan.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "kernels/aggregate_spec.h"
#include "kernels/base/number_text.h"
#include "kernels/preconditions.h"
#include "ledger/codec.h"
#include "ledger/hash.h"
#include "ledger/tags.h"

namespace gradmint {
namespace {

constexpr const char* kAdversaryKinds[] = {"signflip",  "scale",  "gaussian", "labelflip",
                                           "freerider", "replay", "copy",     "nan"};
constexpr std::uint64_t kTrainDeadlineMs = 120'000;
constexpr std::uint64_t kTrainerDeadlineMs = 600'000;  // a user's own program may take its time
constexpr std::uint64_t kOwnSamples = 1 << 24;         // of which its program says how many it took

Error bad(const std::string& text) { return {ErrorCode::bad_input, text}; }

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Writes "KIND[@ROUND]" to the worker that "I:KIND[@ROUND]" names.
Status place_adversary(const std::string& text, std::int64_t rounds,
                       std::vector<DevWorker>& workers) {
  const std::string said = "--adversary " + text + ": ";
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos)
    return bad(said + "write I:KIND or I:KIND@ROUND, as in 4:signflip@4");
  const auto index = number_of(std::string_view(text).substr(0, colon));
  if (!index || *index < 1 || *index > workers.size())
    return bad(said + "there is no worker '" + text.substr(0, colon) +
               "'; workers count from 1 to " + std::to_string(workers.size()));
  const std::string behaviour = text.substr(colon + 1);
  const std::size_t at = behaviour.find('@');
  const std::string kind = behaviour.substr(0, at);
  if (std::find(std::begin(kAdversaryKinds), std::end(kAdversaryKinds), kind) ==
      std::end(kAdversaryKinds)) {
    std::string list;
    for (const char* name : kAdversaryKinds) list += (list.empty() ? "" : ", ") + std::string(name);
    return bad(said + "no adversary is called '" + kind + "'; there are " + list);
  }
  if (at != std::string::npos) {
    const auto round = number_of(std::string_view(behaviour).substr(at + 1));
    if (!round || *round < 1) return bad(said + "the round after @ is a number from 1");
    if (*round > static_cast<std::uint64_t>(rounds))
      return bad(said + "this run ends with round " + std::to_string(rounds) +
                 "; name an earlier round, or give more --rounds");
  }
  std::string& placed = workers[*index - 1].adversary;
  if (!placed.empty())
    return bad(said + "worker " + std::to_string(*index) + " already is '" + placed + "'");
  placed = behaviour;
  return {};
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() > end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

bool is_device(const std::string& text) {
  const bool cuda = text.rfind("cuda:", 0) == 0 && number_of(std::string_view(text).substr(5));
  return text == "auto" || text == "cpu" || cuda;
}

// What the worker is to be told of a CSV file.
CommandLine csv_words(const DevOptions& o) {
  CommandLine words;
  for (const auto& [option, value] : {std::pair("--task", o.task), std::pair("--label", o.label),
                                      std::pair("--classes", o.classes),
                                      std::pair("--header", o.header), std::pair("--drop", o.drop)})
    if (!value.empty()) words.push_back(option + ("=" + value));
  return words;
}

Status check(const DevOptions& o) {
  if (o.workers < 1)
    return bad("--workers " + std::to_string(o.workers) +
               ": a federation needs at least one worker");
  if (o.workers > kMaxDevWorkers)
    return bad("--workers " + std::to_string(o.workers) +
               ": each is a process of its own; at most " + std::to_string(kMaxDevWorkers) +
               " here");
  if (o.rounds < 1 || o.rounds > 1'000'000)
    return bad("--rounds " + std::to_string(o.rounds) + ": a number from 1 to 1000000");
  if (!std::isfinite(o.alpha) || o.alpha < 0)
    return bad("--alpha: a number of at least 0 (0: even shards)");
  const bool file_data = (o.data.rfind("mnist:", 0) == 0 && o.data.size() > 6) ||
                         (o.data.rfind("csv:", 0) == 0 && o.data.size() > 4);
  if (o.data != "digits" && !file_data)
    return bad("--data " + o.data + ": digits, mnist:DIR or csv:FILE");
  if (const CommandLine csv = csv_words(o); !csv.empty() && o.data.rfind("csv:", 0) != 0)
    return bad(csv.front() + ": goes with --data csv:FILE only");
  if (!o.scaler.empty() && (o.data.rfind("csv:", 0) != 0 || !o.initial.empty()))
    return bad("--scaler " + o.scaler +
               ": goes with --data csv:FILE and a model that is made here only");
  if (o.model != "mlp" && o.model != "cnn" && !ends_with(o.model, ".pt"))
    return bad("--model " + o.model + ": mlp, cnn or a TorchScript FILE.pt");
  if (!o.initial.empty() && o.trainer.empty())
    return bad("--initial " + o.initial +
               ": the model is your own, so is what trains it: give --trainer");
  if (!o.initial.empty() && o.evaluator.empty())
    return bad("--initial " + o.initial +
               ": only you can say how good a model of it is: give --evaluator");
  if (!o.buffers.empty() && o.initial.empty())
    return bad("--buffers " + o.buffers.front() +
               ": names tensors of a model of your own: give --initial");
  if (!o.evaluator.empty() && o.trainer.empty())
    return bad("--evaluator: goes with --trainer; built-in training has its own");
  if (!is_device(o.device)) return bad("--device " + o.device + ": auto, cpu or cuda:N");
  return {};
}

Result<kernels::Encoding> encoding_of(const DevOptions& o) {
  auto encoding = kernels::parse_encoding(o.encoding);
  if (!encoding) return bad("--encoding " + o.encoding + ": " + encoding.error().message);
  if (!o.keep) return encoding;
  const std::string keep = std::to_string(*o.keep);
  if (o.encoding.find(':') != std::string::npos)
    return bad("--keep " + keep + ": --encoding " + o.encoding + " has it already; give one");
  if (encoding->kind != kernels::EncodingKind::top_k)
    return bad("--keep goes with --encoding top_k only");
  encoding = kernels::parse_encoding("top_k:keep=" + keep);
  if (!encoding) return bad("--keep " + keep + ": a number in [1, 4096]");
  return encoding;
}

std::string toml_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      constexpr const char* kDigits = "0123456789ABCDEF";
      out += "\\u00";
      out += kDigits[(c >> 4) & 15];
      out += kDigits[c & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string toml_list(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + toml_text(text);
  return "[" + list + "]";
}

std::string aggregation_section(const kernels::AggregateSpec& spec) {
  std::vector<std::string> pre;
  for (const kernels::NamedRule& rule : spec.pre)
    pre.push_back(kernels::rule_text(rule, kernels::pre_rules()));
  return "[aggregation]\npre = " + toml_list(pre) + "\naggregator = " +
         toml_text(kernels::rule_text(spec.aggregator, kernels::aggregator_rules())) +
         "\noptimizer = " +
         toml_text(kernels::rule_text(spec.optimizer, kernels::optimizer_rules())) + "\n\n";
}

CommandLine joined(CommandLine head, const CommandLine& tail) {
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}

CommandLine model_and_data(const DevPlan& plan) {
  const DevOptions& o = plan.options;
  return joined({"--model", o.model, "--data", o.data, "--seed", std::to_string(o.seed)},
                csv_words(o));
}

}  // namespace

Result<DevPlan> plan_dev(const DevOptions& options, const std::string& home,
                         const DevPrograms& programs) {
  if (const Status fine = check(options); !fine.ok()) return fine.error();
  const auto encoding = encoding_of(options);
  if (!encoding) return encoding.error();
  const auto rules = read_rules(options.rules);
  if (!rules) return rules.error();
  auto aggregation = kernels::complete_spec(*rules);
  if (!aggregation) return aggregation.error();
  const auto workers = static_cast<std::size_t>(options.workers);
  if (const Status fits = kernels::check_update_count(*aggregation, workers); !fits.ok())
    return bad("--workers " + std::to_string(workers) + ": " + fits.error().message);
  DevPlan plan;
  plan.aggregation = *std::move(aggregation);
  plan.encoding = *encoding;
  plan.options = options;
  plan.programs = programs;
  plan.home = home;
  plan.coordinator_home = home + "/coordinator";
  plan.ledger = plan.coordinator_home + "/ledger";
  plan.log_dir = home + "/log";
  plan.config_file = home + "/coordinator.toml";
  plan.initial_model = options.initial.empty() ? home + "/initial.safetensors" : options.initial;
  plan.passphrase_file = home + "/passphrase";
  for (std::int64_t i = 1; i <= options.workers; ++i) {
    const std::string name = "worker-" + std::to_string(i);
    plan.workers.push_back({name, home + "/" + name, ""});
  }
  for (const std::string& text : options.adversaries)
    if (const Status placed = place_adversary(text, options.rounds, plan.workers); !placed.ok())
      return placed.error();
  return plan;
}

std::string named_file(const std::string& data_or_model) {
  for (const std::string prefix : {"mnist:", "csv:"})
    if (data_or_model.rfind(prefix, 0) == 0) return data_or_model.substr(prefix.size());
  return ends_with(data_or_model, ".pt") ? data_or_model : "";
}

std::int64_t least_updates(const DevPlan& plan) {
  // A program of the user's that draws nothing from the seed gives every worker the same update, of
  // which the ledger takes one.
  const DevOptions& options = plan.options;
  const std::int64_t wanted = options.trainer.empty() ? options.workers / 2 + 1 : 1;
  return std::max(wanted, static_cast<std::int64_t>(kernels::least_updates(plan.aggregation)));
}

std::string coordinator_config(const DevPlan& plan) {
  const DevOptions& o = plan.options;
  const bool script = ends_with(o.model, ".pt");
  const std::string workers = std::to_string(o.workers);
  const std::string deadline =
      std::to_string(o.trainer.empty() ? kTrainDeadlineMs : kTrainerDeadlineMs);
  const CommandLine evaluate =
      joined(joined({plan.programs.worker, "evaluate", "--serve"}, model_and_data(plan)),
             {"--device", o.train_device});
  std::string text = "# Written by gradmint dev.\n";
  text += "[chain]\nname = \"dev\"\nenrolment = \"invitation\"\n\n";
  text += "[network]\njoin = \"tcp://127.0.0.1:0\"\nwork = \"tcp://127.0.0.1:0\"\n\n";
  const bool own = !o.initial.empty();
  text += "[task]\nmodel = " +
          toml_text(own      ? "external"
                    : script ? "torchscript"
                             : o.model) +
          "\nobjective = " + toml_text(o.task.empty() ? "classification" : o.task) +
          "\ninitial = " + toml_text(plan.initial_model) + "\n";
  if (!o.buffers.empty()) text += "buffers = " + toml_list(o.buffers) + "\n";
  if (script && !own) text += "program = " + toml_text(o.model) + "\n";
  text += "\n[rounds]\ncount = " + std::to_string(o.rounds) + "\nmin_workers = " + workers +
          "\nmin_updates = " + std::to_string(least_updates(plan)) +
          "\ntrain_deadline_ms = " + deadline + "\n\n";
  text += "[training]\noptimizer = \"adam\"\nlearning_rate = 0.001\nbatch_size = 8\nseed = " +
          std::to_string(o.seed) + "\nencoding = " + toml_text(kernels::name_of(plan.encoding)) +
          "\n\n";
  text += aggregation_section(plan.aggregation);
  text += "[evaluation]\nby = \"coordinator\"\n";
  text += !o.evaluator.empty() ? "evaluator = " + toml_text(o.evaluator)
                               : "command = " + toml_text(shell_line(evaluate));
  text += "\n\n";
  text += "[keys]\nscrypt_log2_n = 12\n\n";
  text += "[run]\nexit_when_finished = true\nbackend = " + toml_text(o.device) + "\n";
  return text;
}

CommandLine init_model_command(const DevPlan& plan) {
  const std::string& scaler = plan.options.scaler;
  const CommandLine words = joined({plan.programs.worker, "init-model"}, model_and_data(plan));
  return joined(joined(words, {"-o", plan.initial_model}),
                scaler.empty() ? CommandLine{} : CommandLine{"--scaler", scaler});
}

CommandLine coordinator_init_command(const DevPlan& plan) {
  return {plan.programs.coordinator,
          "init",
          "--home",
          plan.coordinator_home,
          "--config",
          plan.config_file,
          "--passphrase-file",
          plan.passphrase_file};
}

CommandLine coordinator_run_command(const DevPlan& plan) {
  return {plan.programs.coordinator,
          "run",
          "--home",
          plan.coordinator_home,
          "--passphrase-file",
          plan.passphrase_file,
          "--events",
          "jsonl",
          "--log-level",
          plan.options.log_level};
}

CommandLine invite_command(const DevPlan& plan) {
  return {plan.programs.coordinator, "invite", "--home", plan.coordinator_home};
}

CommandLine join_command(const DevPlan& plan, std::size_t worker, const std::string& invitation) {
  const DevWorker& who = plan.workers.at(worker);
  CommandLine words = {plan.programs.worker, "join", invitation, "--home", who.home};
  if (plan.options.initial.empty()) {
    words =
        joined(joined(words, model_and_data(plan)),
               {"--shard", std::to_string(worker + 1) + "/" + std::to_string(plan.workers.size()),
                "--alpha", shortest_text(plan.options.alpha)});
  } else {
    words = joined(words, {"--samples", std::to_string(kOwnSamples)});
  }
  words = joined(
      words, {"--name", who.name, "--passphrase-file", plan.passphrase_file, "--device",
              plan.options.train_device, "--threads", "1", "--log-level", plan.options.log_level});
  if (!plan.options.trainer.empty()) words = joined(words, {"--trainer", plan.options.trainer});
  if (!who.adversary.empty()) words = joined(words, {"--adversary", who.adversary});
  return words;
}

CommandLine audit_command(const DevPlan& plan) {
  return {plan.programs.cli, "audit",     "verify",   "--recompute",
          "--ledger",        plan.ledger, "--format", "json"};
}

Hash dev_secret(std::uint64_t seed, const std::string& purpose, std::uint32_t attempt) {
  Writer w;
  w.u64(seed);
  w.text(purpose);
  w.u32(attempt);
  return tagged_hash(tag::kDevKey, w.view());
}

std::string shell_line(const CommandLine& words) {
  constexpr const char* kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? "'\\''" : std::string(1, c);
    line += '\'';
  }
  return line;
}

}  // namespace gradmint
