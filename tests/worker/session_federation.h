// Sessions and a coordinator in one thread, with the network, the disks and the trainers between
// them: messages that are lost, late, doubled and out of order, connections that break, processes
// that die between two effects. Everything follows from the seed.
#pragma once

#include <functional>
#include <memory>

#include "tests/worker/session_coordinator.h"
#include "worker/seeded.h"
#include "worker/session/session.h"

namespace gradmint::test {

struct Faults {
  std::uint32_t drop_permille = 0;
  std::uint32_t double_permille = 0;
  std::uint32_t disconnect_permille = 0;           // at each delivery
  std::uint32_t crash_permille = 0;                // at each effect of a worker
  std::uint32_t coordinator_restart_permille = 0;  // at each of its ticks
  std::uint64_t max_delay_ms = 1;
};

// What a process leaves behind.
struct WorkerDisk {
  session::Memory memory;
  std::map<session::AttemptKey, Bytes> payloads;
  std::map<Hash, Bytes> parts, blobs;
};

class Federation {
 public:
  Federation(std::uint64_t seed, const SessionCoordinator::Options& options, const Faults& faults);

  // One thing happens. False when nothing is left to happen.
  void step();
  // Until all sessions have stopped; false when that takes longer than the virtual time given.
  bool run(std::uint64_t limit_ms);

  // Tells a session something without carrying out what it wants; that is given back.
  session::Effects inject(std::size_t worker, const session::Event& event);
  void crash(std::size_t worker, std::uint64_t down_ms);
  void disconnect(std::size_t worker);

  struct Worker {
    SecretKey key;
    WorkerDisk disk;
    std::unique_ptr<session::Session> session;  // none while the process is down
    std::uint64_t link = 0;
    bool link_up = false;
    std::uint64_t connection = 0;  // counts; what was on its way over an older one is lost
    std::optional<session::Stop> stop;
    std::uint64_t effects = 0, restarts = 0;
    Bytes trained_payload;
  };
  std::vector<Worker> workers;
  SessionCoordinator coordinator;
  std::uint64_t now_ms = 1000;
  // After this many effects of worker 0, counted over its restarts, it dies (0: never).
  std::uint64_t crash_after_effect = 0;
  std::uint64_t disconnect_after_effect = 0;
  std::uint64_t trainings = 0;
  std::uint64_t summings = 0;
  std::string task_fault;  // what CheckTask is answered with

 private:
  using Happening = std::function<void()>;
  void later(std::uint64_t delay_ms, Happening what);
  void start(std::size_t worker);
  void feed(std::size_t worker, const session::Event& event);
  // False when the process died.
  bool carry_out(std::size_t worker, session::Effect& effect);
  void connect(std::size_t worker);
  void send(std::size_t worker, const session::Send& send);
  void answer(std::size_t worker, std::uint64_t ask, const SessionReply& reply);
  void push_round_states();
  bool happens(std::uint32_t permille) { return random_.below(1000) < permille; }
  std::uint64_t delay() { return 1 + random_.below(faults_.max_delay_ms); }
  session::Config config(std::size_t worker) const;
  RegisterDataset dataset(std::size_t worker) const;  // what it trains on
  session::DataSummed summed(std::size_t worker);

  Seeded random_;
  Faults faults_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, Happening> agenda_;
  std::uint64_t happenings_ = 0;
  std::uint64_t pushed_version_ = 0;
};

}  // namespace gradmint::test
