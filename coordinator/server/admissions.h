// Which connection keys may enter at work, kept as the ledger says: those of registered workers,
// but not of one that is suspended by the operator's word. One thread.
#pragma once

#include <map>

#include "coordinator/order/orderer.h"
#include "coordinator/protocol/server_end.h"

namespace gradmint {

// Whether a worker's connections are taken: not while it is suspended by the operator's word. One
// that was absent stays connected, so that it hears why it waits.
bool may_connect(const StateReader& state, const AccountId& worker);

class Admissions {
 public:
  explicit Admissions(ServerEnd& transport) : transport_(transport) {}

  // Admits every worker of the ledger.
  void start(const State& state);
  // What a committed block changed: keys that came, went, or were replaced by others.
  void follow(const OrderedBlock& block, const State& state);

 private:
  void bring_up_to_date(const State& state, const AccountId& account);

  ServerEnd& transport_;
  std::map<AccountId, Hash> keys_;  // as admitted
};

}  // namespace gradmint
