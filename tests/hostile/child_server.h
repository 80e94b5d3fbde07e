// A ServerTransport in a child process, so that a test outlives its abort and decides when its loop
// has a turn. Fork before this process has threads: make it first.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "coordinator/protocol/server_transport.h"

namespace gradmint::hostile {

class ChildServer {
 public:
  // `admitted` may enter at work. Ports are the system's choice.
  explicit ChildServer(ServerOptions options, const Hash& admitted = {});
  ~ChildServer();
  ChildServer(const ChildServer&) = delete;
  ChildServer& operator=(const ChildServer&) = delete;

  const std::string& join() const { return join_; }
  const std::string& work() const { return work_; }
  pid_t pid() const { return pid_; }

  // Lets its loop run for so long, answering every Ping; false when it died.
  bool run_loop(int ms);
  // Leaves its loop alone for at most that long; true when it died in that time.
  bool dies_within(int ms) const;
  // What it died of: 128 + signal, or its exit status. Ends it first when it is well.
  int end();
  std::uint64_t resident_bytes() const;
  std::size_t open_descriptors() const;

 private:
  pid_t pid_ = -1;
  int channel_ = -1;
  std::string join_, work_;
};

// Resident memory of a process; 0 when there is none.
std::uint64_t resident_bytes_of(pid_t pid);
// How many descriptors a process holds; 0 when there is none.
std::size_t open_descriptors_of(pid_t pid);

}  // namespace gradmint::hostile
