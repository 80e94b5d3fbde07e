// A session on this machine: its loop (session_loop.h) with sockets, a thread that trains, the
// clock, and the signals that end it.
#pragma once

#include "worker/adversary.h"
#include "worker/session/session_loop.h"

namespace gradmint::session {

struct RunOptions {
  std::string name;
  std::string revision;
  SessionTask task;
  std::shared_ptr<kernels::Backend> encoder;  // where updates are encoded; never null
  AdversarySpec adversary;
  std::uint64_t adversary_seed = 0;
};

// Serves until the federation is finished, the session ends with a fault, or SIGINT or SIGTERM asks
// for an end. Gives the exit status; the reason is on the console.
int run_session(WorkerHome& home, const RunOptions& options, Console& console);

}  // namespace gradmint::session
