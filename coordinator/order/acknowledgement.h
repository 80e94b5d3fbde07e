// What a coordinator has taken from a worker and not yet put into a block: the opening of its
// commitment, and whether its payload is held. Whoever proposes next must honour it, so it can be
// handed on: a record of its own, that names its attempt. Pure.
#pragma once

#include <string>

#include "ledger/receipt.h"

namespace gradmint {

struct Acknowledgement {
  AttemptKey attempt;
  AccountId worker;
  Opening opening;
  bool is_stored = false;  // false: the opening holds, the payload is of no use
  void write(Writer& w) const;
  void read(Reader& r);
};

// Of the store's pending entries (ledger/store.h): one for each worker and attempt.
std::string pending_key(const AttemptKey& attempt, const AccountId& worker);
bool is_pending_acknowledgement(const std::string& key);

}  // namespace gradmint
