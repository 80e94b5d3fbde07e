// What must hold when a run is over, however it went. Reads the disks alone.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/coordinator_host.h"
#include "tests/simulation/worker_host.h"

namespace gradmint::simulation {

// The first thing that does not hold; empty: all does.
//   - the audit passes, every round recomputed from its blobs
//   - no tokens are made or lost
//   - what was said to stand in a block stands there
//   - an honest worker's update for which it holds a receipt is accepted, if its attempt has a
//   result
//   - what workers hold of the chain is of this ledger, and no worker has seen two of one height
//   - nothing is pending but the coordinator's own figures of the last round
//   - where nothing went wrong, everybody's update is in every round, and no attempt is given up
// `told`: transactions that a worker was told stand, and in which block. `calm`: nothing went
// wrong, and nobody lied.
std::string judge(CoordinatorHost& coordinator,
                  const std::vector<std::unique_ptr<WorkerHost>>& workers,
                  const std::map<Hash, std::uint64_t>& told, bool calm);

}  // namespace gradmint::simulation
