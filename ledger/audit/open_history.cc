#include "ledger/audit/verify.h"

namespace gradmint {

Result<OpenedHistory> open_history(const std::filesystem::path& directory) {
  auto store = LedgerStore::open(directory, LedgerStore::Mode::read_only);
  if (!store) return store.error();
  if (const Status whole = (*store)->compare_with_checkpoint(); !whole.ok()) return whole.error();
  const auto tip = (*store)->tip();
  if (!tip) return Error{ErrorCode::not_found, "the ledger holds no block yet"};
  auto genesis = (*store)->genesis();
  if (!genesis) return genesis.error();

  Replay replay;
  std::optional<HistoryBuilder> builder;
  for (std::uint64_t height = 0; height <= tip->height; ++height) {
    auto stored = (*store)->block(height);
    if (!stored) return stored.error();
    const EncodedBlock block{stored->header, stored->transactions, stored->certificate,
                             stored->receipts};
    auto finding =
        height == 0 ? replay.begin(*genesis, block) : Result<Finding>(replay.next(block, false));
    if (!finding) return finding.error();
    if (const Finding& fault = *finding) {
      return Error{ErrorCode::corrupt, "block " + std::to_string(height) + " does not hold (" +
                                           fault->rule + "): run gradmint audit verify"};
    }
    if (height == 0) builder.emplace(replay.chain().genesis());
    builder->add(replay.last());
  }
  return OpenedHistory{builder->take(), replay.chain(), *std::move(store)};
}

}  // namespace gradmint
