// The machine that a worker runs on: the real session and its loop, on a simulated disk, network
// and clock, with a small trainer. It is started again whenever it has ended before the federation
// has.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/network.h"
#include "tests/simulation/plan.h"
#include "tests/simulation/simulated_disk.h"
#include "worker/session/session_loop.h"
#include "worker/session/training_work.h"

namespace gradmint::simulation {

class WorkerHost {
 public:
  WorkerHost(Agenda& agenda, Chance& chance, Network& network, const Plan& plan,
             std::size_t number);
  ~WorkerHost();

  void begin(const Hash& coordinator_key, const Hash& chain_id);
  void end();

  const SecretKey& key() const { return key_; }
  bool is_honest() const { return plan_.workers[number_] == Lie::none; }
  bool finished() const { return finished_; }
  // What should never have happened; empty while nothing has.
  const std::string& failure() const { return failure_; }
  std::uint64_t starts() const { return starts_; }
  SimulatedDisk& disk() { return disk_; }
  // What it keeps, as a session that begins now would find it.
  Result<session::Memory> memory();

 private:
  friend class SimulatedTraining;
  struct Life {};

  void start();
  Status open();
  void turn();
  void wake();
  void tick();
  void look_after(const std::function<void()>& action);
  void process_gone(bool power_lost);
  void failed(const std::string& why);
  session::WorkerHome::Identity identity() const;
  Tamper tamper();

  Agenda& agenda_;
  Chance& chance_;
  Network& network_;
  const Plan& plan_;
  std::size_t number_;
  SecretKey key_;
  SimulatedDisk disk_;
  Hash coordinator_key_, chain_id_;
  session::SessionTask task_;
  std::unique_ptr<kernels::Backend> encoder_;
  std::unique_ptr<session::WorkerHome> home_;
  std::unique_ptr<session::Console> console_;
  std::unique_ptr<session::SessionLoop> loop_;
  SimulatedClient* client_ = nullptr;
  std::shared_ptr<Life> life_;
  std::vector<std::pair<Message, Payload>> said_;  // by one that replays
  bool turn_due_ = false, full_ = false, finished_ = false;
  std::uint64_t full_until_ms_ = 0, starts_ = 0, trainings_ = 0;
  std::string last_words_, failure_;
};

}  // namespace gradmint::simulation
