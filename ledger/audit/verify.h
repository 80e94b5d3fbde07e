// `gradmint audit verify`: everything that a ledger on disk claims, checked by someone who trusts
// nobody. Of a directory it reads a snapshot: works while the coordinator runs and on a read-only
// mount, and changes no byte.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "ledger/audit/history.h"
#include "ledger/audit/ledger_source.h"
#include "ledger/audit/report.h"

namespace gradmint {

struct AuditProgress {
  std::uint64_t height = 0, tip = 0;  // blocks replayed, of
  std::uint64_t round = 0;            // recomputed last, 0 before the first
};

struct AuditOptions {
  bool recompute = false;
  // Below this height everything is replayed, but signatures are not verified and rounds are not
  // recomputed.
  std::uint64_t from_height = 0;
  std::function<void(const AuditProgress&)> progress;  // may be empty
};

// Damage that was found by opening is a fault like any other. A bundle has no checkpoint, state or
// indexes to compare. Errors: the audit could not run (no ledger there, a newer schema, a file that
// cannot be read, a bundle without blobs to recompute from).
Result<AuditReport> verify_ledger(const Result<LedgerSource>& source, const AuditOptions& options);

// The history of a ledger, replayed without verifying signatures. A fault of the replay is an Error
// (corrupt) that names it: nothing is told from a ledger that does not hold together.
struct OpenedHistory {
  LedgerHistory history;
  Chain chain;  // at the newest block, or at `height`
};
// bad_input: there is no block of that height.
Result<OpenedHistory> open_history(const LedgerSource& source,
                                   const std::optional<std::uint64_t>& height = {});

}  // namespace gradmint
