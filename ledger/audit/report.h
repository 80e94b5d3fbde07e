// What an audit came to. Pure; the audit itself is verify.h.
#pragma once

#include <vector>

#include "ledger/audit/fault.h"
#include "ledger/bundle/bundle_format.h"
#include "ledger/bytes.h"

namespace gradmint {

struct AuditedRound {
  std::uint64_t round = 0;
  Hash model_root;
  bool recomputed = false;
};

struct AuditReport {
  std::uint64_t height = 0;  // the newest block that holds, and the state after it
  Hash state_root;
  std::vector<AuditedRound> rounds;
  std::uint64_t transactions = 0, signatures = 0, blobs = 0;
  Finding fault;
  bool ok() const { return !fault.has_value(); }
};

// The bundle that was written.
struct ExportReport {
  BundleHead head;
  std::uint64_t blobs = 0, bytes = 0;
  Hash digest;  // the last 32 of them
};

}  // namespace gradmint
