#include "ledger/audit/verify.h"
#include "ledger/audit/walk.h"

namespace gradmint {

Result<OpenedHistory> open_history(const LedgerSource& source) {
  const LedgerReader& ledger = *source.ledger;
  if (const StoreReader* store = ledger.store()) {
    if (const Status whole = store->compare_with_checkpoint(); !whole.ok()) return whole.error();
  }
  const auto tip = ledger.tip();
  if (!tip) return Error{ErrorCode::not_found, "the ledger holds no block yet"};
  LedgerWalk walk;
  for (std::uint64_t height = 0; height <= tip->height; ++height) {
    if (const Status next = walk.next(ledger); !next.ok()) return next.error();
  }
  return walk.take();
}

}  // namespace gradmint
