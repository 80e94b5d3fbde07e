// One run of a seed: a coordinator, its workers, and everything between them.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/coordinator_host.h"
#include "tests/simulation/worker_host.h"

namespace gradmint::simulation {

struct Outcome {
  std::string failure;  // empty: it went as it must
  std::vector<FaultAt> faults;
  std::uint64_t virtual_ms = 0, steps = 0, starts = 0, messages = 0, height = 0;
  std::uint64_t coordinator_operations = 0, worker_operations = 0;
  Hash tip;  // the same in every run of the same seed
};

// `only`: of the faults that the seed says none but these happen; null: all.
Outcome run(const Plan& plan, const std::set<FaultAt>* only = nullptr);

// A few faults of a failing run that are enough to fail; after ten seconds as few as were found.
std::vector<FaultAt> shrink(const Plan& plan, std::vector<FaultAt> faults);

}  // namespace gradmint::simulation
