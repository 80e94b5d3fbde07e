// Tries a user's own trainer and evaluator on a model, once each, as a round would run them.
#pragma once

#include <string>
#include <vector>

#include "ledger/genesis.h"
#include "worker/preflight.h"

namespace gradmint {

struct PreflightPrograms {
  std::string trainer, evaluator;  // commands; empty: there is none
  std::string initial;  // FILE.safetensors, the model they are tried on; empty: not tried
  bool any() const { return !trainer.empty() || !evaluator.empty(); }
};

// One line for each program. `task`: the federation's, where it was heard; the model must be of its
// layout then. They run below a temporary directory, which stays where one failed.
std::vector<CheckLine> check_programs(const PreflightPrograms& programs, const TaskSpec* task);

}  // namespace gradmint
