// Replays a ledger without verifying signatures, block by block, and gathers its history: what is
// told or exported is told of a ledger that holds together.
#pragma once

#include <optional>

#include "ledger/audit/verify.h"

namespace gradmint {

class LedgerWalk {
 public:
  // The next block, the genesis first. corrupt: the block does not hold, or cannot be read.
  Status next(const LedgerReader& ledger);

  const StoredBlock& block() const { return block_; }  // the last one, as it is stored
  const Bytes& genesis() const { return genesis_; }
  const Chain& chain() const { return replay_.chain(); }
  const LedgerHistory& history() const { return builder_->history(); }
  OpenedHistory take() { return {builder_->take(), replay_.chain()}; }

 private:
  Result<Finding> replay(const LedgerReader& ledger, std::uint64_t height);

  Replay replay_;
  std::optional<HistoryBuilder> builder_;
  Bytes genesis_;
  StoredBlock block_;
};

}  // namespace gradmint
