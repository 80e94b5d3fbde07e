// One loop that does the I/O of a coordinator: what arrived → which desk → what to order → what
// changed → whom to tell. Everything it decides is decided elsewhere.
#pragma once

#include <atomic>

#include "coordinator/protocol/admin_link.h"
#include "coordinator/server/admin_desk.h"
#include "coordinator/server/admissions.h"
#include "coordinator/server/history_desk.h"
#include "coordinator/server/roster.h"
#include "coordinator/server/work_desk.h"

namespace gradmint {

class Coordinator {
 public:
  // Opens keys, ledger and sockets of a home that `init` made. Errors name what and where.
  static Result<std::unique_ptr<Coordinator>> open(const Home& home, const Settings& settings,
                                                   const SecretKey& validator, Reporter reporter);
  // Until stop is asked for, or the last round is settled and the settings say to exit then.
  // An Error ends it at once with nothing acknowledged lost.
  Status run(const std::atomic<bool>& stop);
  void wake() const { transport_->waker().wake(); }

 private:
  Coordinator(const Home& home, const Settings& settings, DirectoryLock lock,
              AdminSocket admin_socket, std::unique_ptr<Orderer> orderer,
              std::unique_ptr<ServerTransport> transport, Reporter reporter);
  Status start();
  Status turn(int timeout_ms);
  Status keep_still();
  void dispatch(const Inbound& inbound);
  void reply(const Inbound& inbound, DeskAnswer answer);
  Status order();
  Status own_refusals(const OrderedBlock& block);
  void settle_tickets(const OrderedBlock& block);
  void follow_members(const OrderedBlock& block);
  void tell_outcomes(const OrderedBlock& block);
  void tell_standing();
  void tell_missing_sums();
  void announce();
  void notify_all(const Notice& notice);
  std::uint64_t now_ms() const;

  DirectoryLock lock_;
  AdminSocket admin_socket_;  // outlives the transport, which removes it
  Home home_;
  Settings settings_;
  Reporter reporter_;
  std::unique_ptr<Orderer> orderer_;
  std::unique_ptr<ServerTransport> transport_;
  Admissions admissions_;
  RoundDriver driver_;
  HistoryDesk history_;
  std::uint64_t still_since_ms_ = 0;  // 0: it may sign
  JoinDesk join_;
  WorkDesk work_;
  Roster roster_;
  AdminDesk admin_;
  std::uint64_t next_ticket_ = 1;
  std::map<std::uint64_t, Inbound> waiting_;  // by ticket; bounded by the orderer's queue
  std::uint64_t looked_ms_ = 0;               // at who is there
  std::optional<std::uint32_t> waiting_for_others_;
  std::vector<AccountId>
      waiting_for_sums_;  // as it was told last  // workers present, as last reported
  bool finish_told_ = false;
};

}  // namespace gradmint
