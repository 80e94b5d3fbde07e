// Runs one shell command to its end, in a process group of its own, so that whatever it started
// ends with it, and with this process, should that be killed. Blocks the calling thread; several
// threads may each run one.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "kernels/base/result.h"

namespace gradmint {

struct ChildTask {
  std::string command;                   // for /bin/sh -c
  std::filesystem::path directory;       // its working directory
  std::vector<std::string> environment;  // "NAME=value", over this process's own
  std::uint64_t deadline_ms = 0;         // 0: none
  std::uint64_t grace_ms = 5000;         // between SIGTERM and SIGKILL
  const std::atomic<bool>* cancelled = nullptr;
};

enum class ChildEnd {
  exited,     // code is its exit status
  signalled,  // code is the signal, not ours
  overran,    // ended by us at the deadline
  cancelled,  // ended by us when asked
};

struct ChildOutcome {
  ChildEnd end = ChildEnd::exited;
  int code = 0;
  std::string last_line;  // of its output, printable
};

// `on_line` gets each line of stdout and stderr (a carriage return ends a line too), cut to 400
// bytes, control characters replaced. Errors: io when it cannot be started.
Result<ChildOutcome> run_child(const ChildTask& task,
                               const std::function<void(const std::string&)>& on_line);

}  // namespace gradmint
