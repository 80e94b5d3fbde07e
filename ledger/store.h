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
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernels/base/result.h"
#include "ledger/chain.h"
#include "ledger/disk.h"
#include "ledger/ledger_reader.h"

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

// Reads are thread safe; writes come from one thread at a time.
class LedgerStore : public StoreReader {
 public:
  enum class Mode { read_write, read_only };

  // read_write creates the directory and database when missing and holds the lock (busy when
  // another process has it, naming the directory). read_only takes a snapshot as of now. A schema
  // other than kLedgerSchema is `unsupported` and named. Damage found is `corrupt`.
  // Snapshots are taken of posix_disk() alone.
  static Result<std::unique_ptr<LedgerStore>> open(const std::filesystem::path& directory,
                                                   Mode mode, Disk& disk = posix_disk());
  ~LedgerStore() override;

  // A write that fails (io: the disk is full, say) may or may not be there when the store is opened
  // again; until then every further write is refused with the same reason.
  Status write_genesis(ByteView genesis);  // before the first block; synced
  Status commit(const BlockBatch& batch);  // batch.height == tip + 1 (or 0 for the first)

  // See ledger_reader.h.
  Result<Bytes> genesis() const override;
  std::optional<Tip> tip() const override;
  Result<StoredBlock> block(std::uint64_t height) const override;
  Result<std::optional<TransactionPlace>> find_transaction(const Hash& id) const override;
  Result<std::vector<std::optional<TransactionPlace>>> find_transactions(
      const std::vector<Hash>& ids) const override;
  Result<std::vector<std::uint64_t>> heights_of(const AccountId& account) const override;
  Status for_each_state(const StateVisitor& visit) const override;
  Result<Checkpoint> checkpoint() const override;
  Status compare_with_checkpoint() const override;

  Status put_pending(const std::string& key, ByteView value);  // synced before it returns
  Result<std::map<std::string, Bytes>> pending() const;

 private:
  struct Impl;
  explicit LedgerStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gradmint
