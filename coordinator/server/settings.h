// What an operator configures (TOML; docs/coordinator.md lists every key). Unknown keys are
// refused.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "contracts/emission.h"
#include "coordinator/round/goal.h"
#include "kernels/aggregate_spec.h"
#include "kernels/base/result.h"
#include "kernels/encoding.h"
#include "ledger/best_round.h"
#include "ledger/genesis.h"

namespace gradmint {

struct Settings {
  std::filesystem::path file;  // which says this
  // [chain]
  std::string name = "gradmint";
  Enrolment enrolment = Enrolment::invitation;
  std::vector<AccountId> allowed;
  // [network]
  std::string join_endpoint = "tcp://127.0.0.1:7700";
  std::string work_endpoint = "tcp://127.0.0.1:7701";
  std::string public_join;  // what invitations say, where it differs from join_endpoint
  std::string configured_join = join_endpoint;  // by the file, whatever `run --join` says
  // [task]
  std::string model = "mlp";
  std::string objective;             // empty: the contract's
  std::filesystem::path initial;     // safetensors
  std::filesystem::path program;     // TorchScript
  std::vector<std::string> buffers;  // patterns (ledger/model/buffers.h)
  std::filesystem::path contract;    // JSON; empty: the one in `initial`, if it has one
  // [rounds]
  std::uint64_t rounds = 12;
  std::optional<Goal> stop_when;
  std::optional<Ranking> best_by;
  std::uint32_t min_workers = 2;
  RoundLimits limits;
  std::uint32_t evaluation_deadline_ms = 60'000;
  // [training]
  TrainingSpec training;
  kernels::Encoding encoding;  // of updates
  // [aggregation]
  kernels::AggregateSpec aggregation;
  // [evaluation]
  bool evaluate_here = true;
  std::string evaluation_command;  // a child that answers questions (docs/coordinator.md)
  std::string evaluator;           // or a program that is run once for each model
  // [rewards]
  std::string rule_source, rule_manifest;          // of the built-in rule, or once they are read
  std::filesystem::path rule_file, manifest_file;  // a rule of one's own; empty: the built-in one
  contracts::Emission emission;
  // [limits], and rounds.suspend_after
  ChainLimits chain_limits;
  // [keys]
  unsigned scrypt_log2_n = 18;
  // [run]
  bool exit_when_finished = false;
  std::string backend = "auto";
  int threads = 0;  // 0: all cores
};

// Errors name file, line and key.
Result<Settings> load_settings(const std::filesystem::path& file);
// Reads a rule of one's own. Only `init` needs it: afterwards the genesis has the rule, and the
// files may be gone.
Status read_rule_files(Settings& settings);

}  // namespace gradmint
