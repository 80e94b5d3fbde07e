// What can be asked of a ledger that lies somewhere, whoever wrote it: the blocks in their encoded
// form; and, where it is kept in a store, what the store keeps beside them. Implemented by the
// store itself (store.h), by a child process that reads somebody's store (reader/child_reader.h)
// and by a bundle (bundle/bundle_reader.h). Nothing that comes from it is to be believed.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/base/result.h"
#include "ledger/bytes.h"
#include "ledger/stored_block.h"

namespace gradmint {

struct Tip {
  std::uint64_t height = 0;
  Hash block_hash;
};

// What the file `checkpoint` says: the newest block that was acknowledged.
struct Checkpoint {
  Tip tip;
  Bytes certificate;
};

// Height and place in the block.
using TransactionPlace = std::pair<std::uint64_t, std::uint32_t>;
using StateVisitor = std::function<void(std::string_view key, ByteView value)>;

class StoreReader;

// One thread at a time, unless the implementation says more.
class LedgerReader {
 public:
  virtual ~LedgerReader() = default;

  virtual Result<Bytes> genesis() const = 0;   // not_found when there is none
  virtual std::optional<Tip> tip() const = 0;  // nothing before the first block
  // not_found above the tip; corrupt when a block at or below it is not there.
  virtual Result<StoredBlock> block(std::uint64_t height) const = 0;
  virtual Result<std::optional<TransactionPlace>> find_transaction(const Hash& id) const = 0;

  // What is kept beside the blocks; null where nothing is.
  virtual const StoreReader* store() const { return nullptr; }
};

class StoreReader : public LedgerReader {
 public:
  const StoreReader* store() const override { return this; }

  // The places of several transactions, in their order.
  virtual Result<std::vector<std::optional<TransactionPlace>>> find_transactions(
      const std::vector<Hash>& ids) const = 0;
  // The blocks that touch an account.
  virtual Result<std::vector<std::uint64_t>> heights_of(const Hash& account) const = 0;
  // Calls `visit` for every state entry in key order. Whether an entry is missing only the state
  // root in the tip's header tells: the caller compares it.
  virtual Status for_each_state(const StateVisitor& visit) const = 0;
  // not_found when missing.
  virtual Result<Checkpoint> checkpoint() const = 0;
  // corrupt when the checkpoint names a block, or counts a write, that the database lacks, or is
  // itself damaged. Success when the checkpoint is missing or older: a crash may come between block
  // and checkpoint.
  virtual Status compare_with_checkpoint() const = 0;
};

}  // namespace gradmint
