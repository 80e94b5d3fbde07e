#include "ledger/audit/verify.h"
#include "ledger/audit/walk.h"

namespace gradmint {

Result<OpenedHistory> open_history(const LedgerSource& source,
                                   const std::optional<std::uint64_t>& height) {
  const LedgerReader& ledger = *source.ledger;
  if (const StoreReader* store = ledger.store()) {
    if (const Status whole = store->compare_with_checkpoint(); !whole.ok()) return whole.error();
  }
  const auto tip = ledger.tip();
  if (!tip) return Error{ErrorCode::not_found, "the ledger holds no block yet"};
  const std::uint64_t last = height.value_or(tip->height);
  if (last > tip->height) {
    return Error{ErrorCode::bad_input, "there is no block " + std::to_string(last) +
                                           "; the newest is " + std::to_string(tip->height)};
  }
  LedgerWalk walk;
  for (std::uint64_t at = 0; at <= last; ++at) {
    if (const Status next = walk.next(ledger); !next.ok()) return next.error();
  }
  return walk.take();
}

}  // namespace gradmint
