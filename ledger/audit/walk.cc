#include "ledger/audit/walk.h"

namespace gradmint {

Result<Finding> LedgerWalk::replay(const LedgerReader& ledger, std::uint64_t height) {
  auto stored = ledger.block(height);
  if (!stored) return stored.error();
  block_ = *std::move(stored);
  const EncodedBlock block{block_.header, block_.transactions, block_.certificate, block_.receipts};
  if (height > 0) return replay_.next(block, false);
  auto genesis = ledger.genesis();
  if (!genesis) return genesis.error();
  genesis_ = *std::move(genesis);
  return replay_.begin(genesis_, block);
}

Status LedgerWalk::next(const LedgerReader& ledger) {
  const std::uint64_t height = replay_.begun() ? replay_.chain().height() + 1 : 0;
  const auto finding = replay(ledger, height);
  if (!finding) return finding.error();
  if (const Finding& fault = *finding) {
    return Error{ErrorCode::corrupt, "block " + std::to_string(height) + " does not hold (" +
                                         fault->rule + "): run gradmint audit verify"};
  }
  if (height == 0) builder_.emplace(replay_.chain().genesis());
  builder_->add(replay_.last());
  return {};
}

}  // namespace gradmint
