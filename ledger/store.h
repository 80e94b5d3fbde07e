// The block store: LevelDB, one synced batch per block. One process writes; any number read, while
// it runs and from read-only mounts, through an immutable snapshot that changes no byte
// (snapshot_env.h). Keys (heights and sequence numbers big-endian, so that iteration is in order):
//   m/schema  m/tip (height || block hash)  m/sequence   g/ genesis bytes
//   h/<height> header   b/<height> transactions   q/<height> certificate   r/<height> receipts
//   t/<txid> (height || index)   x/<account><height> ""   s/<state key> state value
//   p/<key> pending: what was acknowledged but is not yet in a block (reveals)
// Beside the database lies `checkpoint`: height, block hash and certificate of the tip, rewritten
// (synced, renamed) after each block, so that a log truncated at its end is noticed.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernels/base/result.h"
#include "ledger/chain.h"
#include "ledger/stored_block.h"

namespace gradmint {

// Everything one block changes, in encoded form.
struct BlockBatch {
  std::uint64_t height = 0;
  Hash block_hash;
  Bytes header, transactions, certificate, receipts;
  std::vector<Hash> transaction_ids;
  std::vector<AccountId> touched_accounts;                    // sorted, unique
  std::map<std::string, std::optional<Bytes>> state_changes;  // nothing = removed
  std::vector<std::string> pending_removed;
};

// What the store keeps of a block that stands.
BlockBatch batch_of(const BlockDraft& draft, const Certificate& certificate);

struct Tip {
  std::uint64_t height = 0;
  Hash block_hash;
};

// Reads are thread safe; writes come from one thread at a time.
class LedgerStore {
 public:
  enum class Mode { read_write, read_only };

  // read_write creates the directory and database when missing and holds the lock (busy when
  // another process has it, naming the directory). read_only takes a snapshot as of now. A schema
  // other than kLedgerSchema is `unsupported` and named. Damage found is `corrupt`.
  static Result<std::unique_ptr<LedgerStore>> open(const std::filesystem::path& directory,
                                                   Mode mode);
  ~LedgerStore();

  // A write that fails (io: the disk is full, say) may or may not be there when the store is opened
  // again; until then every further write is refused with the same reason.
  Status write_genesis(ByteView genesis);  // before the first block; synced
  Result<Bytes> genesis() const;           // not_found when there is none

  std::optional<Tip> tip() const;          // nothing before the first block
  Status commit(const BlockBatch& batch);  // batch.height == tip + 1 (or 0 for the first)
  // not_found above the tip; corrupt when a block at or below it is not there.
  Result<StoredBlock> block(std::uint64_t height) const;
  Result<std::optional<std::pair<std::uint64_t, std::uint32_t>>> find_transaction(
      const Hash& id) const;
  Result<std::vector<std::uint64_t>> heights_of(const AccountId& account) const;
  // Calls `visit` for every state entry in key order. Whether an entry is missing only the state
  // root in the tip's header tells: the caller compares it.
  Status for_each_state(
      const std::function<void(std::string_view key, ByteView value)>& visit) const;

  Status put_pending(const std::string& key, ByteView value);  // synced before it returns
  Result<std::map<std::string, Bytes>> pending() const;

  // The checkpoint file's height, block hash and certificate bytes. not_found when missing.
  struct Checkpoint {
    Tip tip;
    Bytes certificate;
  };
  Result<Checkpoint> checkpoint() const;
  // corrupt when the checkpoint names a block, or counts a write, that the database lacks, or is
  // itself damaged. Success when the checkpoint is missing or older: a crash may come between block
  // and checkpoint.
  Status compare_with_checkpoint() const;

 private:
  struct Impl;
  explicit LedgerStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gradmint
