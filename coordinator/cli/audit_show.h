// What `gradmint audit show` shows of a ledger that was replayed. An Error is a line for whoever
// asked.
#pragma once

#include <optional>
#include <string>

#include "coordinator/cli/audit_json.h"
#include "ledger/audit/verify.h"

namespace gradmint {

struct OpenedLedger {
  LedgerSource source;
  OpenedHistory replayed;
};

// `what`: "block", "round", "tx", "worker", "state" or "dataset"; `which` of them; `attempt`: of a
// round, the newest where there is none.
Result<Json> show_part(const OpenedLedger& opened, const std::string& what,
                       const std::string& which, const std::optional<std::uint64_t>& attempt);

Result<AccountId> account_from(const std::string& address);
Error no_such_round(const LedgerHistory& history, const std::string& which);

}  // namespace gradmint
