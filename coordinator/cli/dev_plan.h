// `gradmint dev`, thought out before anything is done: from options to homes, names, settings and
// command lines. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/rules/rule_words.h"
#include "kernels/base/result.h"
#include "kernels/encoding.h"
#include "ledger/bytes.h"

namespace gradmint {

inline constexpr std::uint32_t kMaxDevWorkers = 256;
// A round that fails this often in a row will not succeed: the same workers try it each time.
inline constexpr std::uint64_t kMaxDevAttempts = 5;

// The defaults, and the training settings in the coordinator's file, are those that
// docs/training.md measured.
struct DevOptions {
  std::int64_t workers = 5;
  std::int64_t rounds = 14;
  std::string data = "digits";
  std::string task, label, classes, header,
      drop;            // of a CSV file, as the worker takes them; or empty
  std::string scaler;  // "sites": from sums over all workers' rows; empty: from the file
  std::string model = "mlp";
  RuleWords rules{{}, "median", "plain", {}};
  std::string encoding = "fp32";         // kernels/encoding.h; "top_k" with keep
  std::optional<std::int64_t> keep;      // top_k: its preset if not given
  std::vector<std::string> adversaries;  // "I:KIND[@ROUND]", I counts from 1
  double alpha = 10.0;                   // of the Dirichlet draw; 0: even shards
  std::uint64_t seed = 1;
  std::string home, report, trainer;
  std::string initial;               // safetensors: a model of one's own, for the trainer
  std::vector<std::string> buffers;  // patterns of its tensors, as task.buffers
  std::string evaluator;             // of the coordinator; empty: the built-in one
  std::string device = "auto";       // of the aggregation: the same bytes on all of them
  std::string train_device = "cpu";  // of the workers
  std::string log_level = "warn";
};

struct DevPrograms {
  std::string cli, coordinator, worker;
};

struct DevWorker {
  std::string name;  // "worker-1", …
  std::string home;
  std::string adversary;  // "signflip@4", or empty
};

// Every path is below `home`.
struct DevPlan {
  DevOptions options;
  DevPrograms programs;
  std::string home, coordinator_home, ledger, log_dir;
  std::string config_file, initial_model, passphrase_file;
  kernels::Encoding encoding;
  std::vector<DevWorker> workers;
  kernels::AggregateSpec aggregation;  // completed
};

// bad_input names the option, what is wrong and what would do.
Result<DevPlan> plan_dev(const DevOptions& options, const std::string& home,
                         const DevPrograms& programs);

// The file that `data` or `model` names and that must exist, or "" when it names none.
std::string named_file(const std::string& data_or_model);

// Updates without which a round cannot stand.
std::int64_t least_updates(const DevPlan& plan);

std::string coordinator_config(const DevPlan& plan);

using CommandLine = std::vector<std::string>;
CommandLine init_model_command(const DevPlan& plan);
CommandLine coordinator_init_command(const DevPlan& plan);
CommandLine coordinator_run_command(const DevPlan& plan);
CommandLine invite_command(const DevPlan& plan);
CommandLine join_command(const DevPlan& plan, std::size_t worker, const std::string& invitation);
CommandLine audit_command(const DevPlan& plan);

// A secret that anyone who knows the seed knows as well, so that the same seed gives the same
// federation. Keys of `gradmint dev` are for play: never pay to them. `purpose`: "validator",
// "worker-1/curve", …; `attempt` counts up where a secret cannot be used.
Hash dev_secret(std::uint64_t seed, const std::string& purpose, std::uint32_t attempt = 0);

// The words as one line that /bin/sh splits into the same words.
std::string shell_line(const CommandLine& words);

}  // namespace gradmint
