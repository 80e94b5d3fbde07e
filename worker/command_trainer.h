// A user's own program as the trainer. Each round it runs `/bin/sh -c COMMAND`, gives it in
// $GRADMINT_ROUND_DIR a fresh directory that holds global.safetensors and round.json, and expects
// parameters.safetensors and metrics.json there when it exits with 0. The program runs where the
// worker was started, so that a command means there what it means at the prompt.
// docs/own-trainer.md is the contract for its authors.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "worker/trainer.h"

namespace gradmint {

struct CommandTrainerOptions {
  std::string command;
  std::filesystem::path rounds_dir;         // round-000001/ … are made here
  std::uint64_t terminate_grace_ms = 5000;  // between SIGTERM and SIGKILL of its process group
  bool keep_round_dirs = false;             // false: removed after a successful round
  std::filesystem::path working_dir = ".";  // the program's
  std::string contract = {};                // the federation's data contract, JSON; may be empty
};

// Every failure of the program is one Error: it did not start, exited with n, was ended by a
// signal, overran, left no or unusable outputs. The error names the round directory, which is then
// kept.
Result<std::unique_ptr<Trainer>> make_command_trainer(CommandTrainerOptions options,
                                                      ModelLayout layout);

}  // namespace gradmint
