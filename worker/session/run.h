// The loop around a session: one connection, one home, one training thread, one console.
#pragma once

#include "worker/session/config.h"
#include "worker/session/console.h"
#include "worker/session/home.h"
#include "worker/session/training_thread.h"

namespace gradmint::session {

struct RunOptions {
  std::string name;
  std::string revision;
  // Before it registers: whether what the user gave fits the task, as far as the genesis tells.
  std::function<Status(const GenesisRecord& genesis)> fits_task;
  TrainerFactory trainers;
  // Where the scaler comes from the sites: the manifest of this one's rows, and their sums.
  std::function<Result<DataSummed>(const GenesisRecord& genesis)> sums;
  std::shared_ptr<kernels::Backend> encoder;  // where updates are encoded; never null
  AdversarySpec adversary;
  std::uint64_t adversary_seed = 0;
};

// Serves until the federation is finished, the session ends with a fault, or SIGINT or SIGTERM asks
// for an end. Gives the exit status; the reason is on the console.
int run_session(WorkerHome& home, const RunOptions& options, Console& console);

}  // namespace gradmint::session
