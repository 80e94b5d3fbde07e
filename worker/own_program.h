// A user's own program, run once for a round's training or for judging a model: `/bin/sh -c
// COMMAND` with a fresh directory in $GRADMINT_ROUND_DIR that holds global.safetensors and
// round.json, and metrics.json there when it exits with 0. docs/own-trainer.md is the contract for
// its authors. Blocking; not thread safe.
#pragma once

#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "kernels/base/result.h"
#include "ledger/model/layout.h"
#include "worker/trainer.h"

namespace gradmint {

struct OwnProgram {
  std::string role;  // "trainer", "evaluator": how faults begin
  std::string command;
  std::filesystem::path rounds_dir;         // its directories are made here
  std::filesystem::path working_dir = ".";  // where it runs
  std::uint64_t terminate_grace_ms = 5000;  // between SIGTERM and SIGKILL of its process group
  bool keep_dirs = false;                   // false: a directory is removed once it was of use
  std::string contract = {};                // the federation's data contract, JSON; may be empty
};

// Makes paths absolute; bad_input where there is no command.
Status complete(OwnProgram& program);

// What one run is told and given.
struct ProgramTask {
  std::string directory;  // its name
  std::uint64_t round = 0, seed = 0;
  nlohmann::json fields;  // of round.json, besides those that every run has
  std::uint64_t deadline_ms = 0;
  const std::atomic<bool>* cancelled = nullptr;
};

struct ProgramMetrics {
  std::uint64_t examples = 0;
  std::uint64_t steps = 0;
  MeasuredMetrics metrics;
};

// Runs it and reads its metrics; `directory` is where its files are. Every failure is one Error
// that names the directory, which is then kept: it did not start, exited with n, was ended by a
// signal, overran, left no or unusable metrics. What it prints is in output.txt there.
Result<ProgramMetrics> run_own_program(const OwnProgram& program, const ProgramTask& task,
                                       const ModelLayout& layout, std::span<const float> model,
                                       const ProgressFn& progress,
                                       std::filesystem::path& directory);

// Removes what a run left, unless it is to be kept.
void clear_directory(const OwnProgram& program, const std::filesystem::path& directory);

// "trainer: WHAT (its files are in DIR)".
Error program_error(const OwnProgram& program, ErrorCode code,
                    const std::filesystem::path& directory, const std::string& what);

}  // namespace gradmint
