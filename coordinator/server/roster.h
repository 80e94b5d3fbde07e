// Which workers are there and what each is doing: for the operator, as a list and as events when
// one hangs, leaves or comes back. Nothing on the ledger depends on it. One thread.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "coordinator/protocol/server_transport.h"
#include "coordinator/server/round_driver.h"

namespace gradmint {

// What keeps a worker from giving its part, as far as can be seen from here.
enum class Trouble : std::uint8_t {
  none,
  away,    // it has not connected since this coordinator was started
  left,    // its connection ended, and it has not called again
  silent,  // connected, and without a word for the stall limit, 15 s at least
  late,    // half of the others were done the stall limit ago, and it still is not
};
std::string_view trouble_name(Trouble trouble);

class Roster {
 public:
  Roster(Orderer& orderer, const RoundDriver& driver, const Reporter& reporter)
      : orderer_(orderer), driver_(driver), reporter_(reporter) {}

  // Reads in the newest blocks in which round each worker had its last update.
  void start(std::uint64_t now_ms);
  // At work: update bytes and progress are noted.
  void heard(const Inbound& inbound);
  void block(const OrderedBlock& block);
  // `connected`: accounts with a connection at work. Tells what has changed since the last call.
  void look(const std::vector<AccountId>& connected, std::uint64_t now_ms);

  // {"address", "account", "name", "state", "for_ms", "done_ppm", "last_round", "last_score_ppm",
  //  "rounds_accepted", "bytes_received"} of a registered worker; null is what is not known.
  // bytes_received: of updates, since this coordinator was started.
  nlohmann::json line(const AccountId& worker, const AccountRecord& account,
                      std::uint64_t now_ms) const;
  // Members that are in trouble: {"worker", "name", "state", "for_ms"} each.
  nlohmann::json missing(std::uint64_t now_ms) const;

 private:
  struct Seen {
    std::uint64_t bytes = 0;  // of updates
    std::uint64_t round = 0;  // of the progress below
    std::uint32_t done_ppm = 0;
    bool was_connected = false, connected = false;
    std::uint64_t came_ms = 0;  // when its newest connection was seen first
    std::uint64_t gone_ms = 0;  // when its last connection was missed
    Trouble told = Trouble::none;
  };
  struct LastUpdate {
    std::uint64_t round = 0;
    std::uint32_t score_ppm = 0;
  };
  struct Plight {
    Trouble trouble = Trouble::none;
    std::uint64_t since_ms = 0;
  };
  Plight plight_of(const AccountId& worker, std::uint64_t now_ms) const;
  std::string_view doing(const AccountId& worker) const;
  void tell(const AccountId& worker, Seen& seen, std::uint64_t now_ms);
  void note(const RoundResult& result, bool newest);

  Orderer& orderer_;
  const RoundDriver& driver_;
  const Reporter& reporter_;
  std::map<AccountId, Seen> seen_;
  std::map<AccountId, LastUpdate> last_updates_;
  std::uint64_t start_ms_ = 0;
};

}  // namespace gradmint
