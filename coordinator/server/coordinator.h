// One loop that does the I/O of a coordinator: what arrived → which desk → what to order → what
// changed → whom to tell. Everything it decides is decided elsewhere.
#pragma once

#include <atomic>

#include "coordinator/server/admin_desk.h"
#include "coordinator/server/admissions.h"
#include "coordinator/server/history_desk.h"
#include "coordinator/server/roster.h"
#include "coordinator/server/work_desk.h"

namespace gradmint {

class Coordinator {
 public:
  // Opens keys, ledger and sockets of a home that `init` made. Errors name what and where.
  static Result<std::unique_ptr<Coordinator>> open(
      const Home& home, const Settings& settings, const SecretKey& validator, Reporter reporter,
      const Surroundings& surroundings = machine_surroundings());
  // Until stop is asked for, or the last round is settled and the settings say to exit then.
  // An Error ends it at once with nothing acknowledged lost.
  Status run(const std::atomic<bool>& stop);
  // One turn of that, which waits for something to happen for at most so long; for whoever runs
  // more than one coordinator. False: it is over, and its peers know.
  Result<bool> advance(int timeout_ms);
  void wake() const { transport_->wake(); }

  // For whoever watches.
  const Orderer& orderer() const { return *orderer_; }
  const RoundDriver& driver() const { return driver_; }
  std::size_t waiting_count() const { return waiting_.size(); }

 private:
  struct Parts;
  Coordinator(const Home& home, const Settings& settings, Parts parts, Reporter reporter);
  Status start();
  Status turn(int timeout_ms);
  Status keep_still();
  void dispatch(const Inbound& inbound);
  void reply(const Inbound& inbound, DeskAnswer answer);
  Status settle_acknowledged();
  Status order();
  Status own_refusals(const OrderedBlock& block);
  void settle_tickets(const OrderedBlock& block);
  void follow_members(const OrderedBlock& block);
  void tell_outcomes(const OrderedBlock& block);
  void tell_standing();
  void tell_missing_sums();
  void announce();
  void notify_all(const Notice& notice);
  void say_goodbye();
  std::uint64_t now_ms() const { return surroundings_.clock->now_ms(); }

  DirectoryLock lock_;
  std::shared_ptr<const AdminSocket> admin_socket_;  // outlives the transport, which removes it
  Home home_;
  Settings settings_;
  Surroundings surroundings_;
  Reporter reporter_;
  std::unique_ptr<Orderer> orderer_;
  std::unique_ptr<ServerEnd> transport_;
  Admissions admissions_;
  RoundDriver driver_;
  HistoryDesk history_;
  std::uint64_t still_since_ms_ = 0;  // 0: it may sign
  JoinDesk join_;
  WorkDesk work_;
  Roster roster_;
  AdminDesk admin_;
  std::uint64_t next_ticket_ = 1;
  std::map<std::uint64_t, Inbound> waiting_;         // by ticket; bounded by the orderer's queue
  std::uint64_t looked_ms_ = 0;                      // at who is there
  std::optional<std::uint32_t> waiting_for_others_;  // workers present, as it was told last
  std::vector<AccountId> waiting_for_sums_;          // as it was told last
  std::optional<std::uint64_t> leaves_ms_;           // its peers have heard of the end
  bool finish_told_ = false;
};

}  // namespace gradmint
