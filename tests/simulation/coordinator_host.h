// The machine that the coordinator runs on: the real coordinator, on a simulated disk, network and
// clock. It is started again whenever it has ended, as a service manager would.
#pragma once

#include <memory>
#include <string>

#include "coordinator/server/coordinator.h"
#include "tests/simulation/network.h"
#include "tests/simulation/plan.h"
#include "tests/simulation/simulated_disk.h"

namespace gradmint::simulation {

class CoordinatorHost {
 public:
  CoordinatorHost(Agenda& agenda, Chance& chance, Network& network, const Plan& plan);
  ~CoordinatorHost();

  // Home and ledger, as `init` makes them; then the program.
  void begin();
  // The machine is switched off for good; the disk stays.
  void end();

  const GenesisRecord& genesis() const { return genesis_; }
  const CurveKeyPair& curve() const { return curve_; }
  const SecretKey& validator() const { return validator_; }
  SimulatedDisk& disk() { return disk_; }
  const Home& home() const { return home_; }
  const Coordinator* running() const { return coordinator_.get(); }
  // What should never have happened; empty while nothing has.
  const std::string& failure() const { return failure_; }
  std::uint64_t starts() const { return starts_; }
  std::size_t most_waiting() const { return most_waiting_; }

 private:
  friend class SimulatedAggregator;
  friend class SimulatedJudge;
  struct Life {};  // of one process: what it has begun ends with it

  Surroundings surroundings();
  Reporter reporter() const;
  void start();
  void turn();
  void wake();
  void tick();
  void look_after(const std::function<void()>& action);
  void process_gone(bool power_lost);
  void failed(const Error& error);
  void owner_looks();
  void ask_later(std::uint64_t wait_ms, const nlohmann::json& request);

  Agenda& agenda_;
  Chance& chance_;
  Network& network_;
  const Plan& plan_;
  SimulatedDisk disk_;
  Home home_{"/home", &disk_};
  SecretKey validator_;
  CurveKeyPair curve_;
  GenesisRecord genesis_;
  SimulatedServer* server_ = nullptr;  // of the running coordinator
  std::unique_ptr<Coordinator> coordinator_;
  std::shared_ptr<Life> life_;
  bool turn_due_ = false, full_ = false;
  std::uint64_t full_until_ms_ = 0, starts_ = 0, owner_called_ms_ = 0, owner_readmits_ms_ = 0;
  std::size_t most_waiting_ = 0;
  std::string failure_;
};

}  // namespace gradmint::simulation
