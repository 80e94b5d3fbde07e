// Orders transactions into blocks for a validator set of one: prepare, certify, store, commit. The
// application below it (ledger/chain.h) does not know that it is alone.
#pragma once

#include <memory>
#include <vector>

#include "coordinator/server/seed_chain.h"
#include "ledger/chain.h"
#include "ledger/store.h"

namespace gradmint {

struct Ordered {
  std::uint64_t ticket = 0;  // as given to submit; 0 for the validator's own
  SignedTransaction transaction;
  Verdict verdict = Verdict::ok;
};
struct OrderedBlock {
  bool committed = false;  // false: nothing stood, no block was made
  std::vector<Ordered> outcomes;
  std::vector<TransactionReceipt> receipts;  // of the committed block
};

class Orderer {
 public:
  // Opens the ledger in `directory`. corrupt, busy, not_found (init first) are told by name.
  static Result<std::unique_ptr<Orderer>> open(const std::filesystem::path& directory,
                                               const SecretKey& validator);
  // Writes the genesis block into a new ledger directory.
  static Status create(const std::filesystem::path& directory, const GenesisRecord& genesis,
                       const SecretKey& validator);

  // Queues somebody's transaction for the next block. The queue is bounded: false when it is full.
  bool submit(SignedTransaction transaction, std::uint64_t ticket);
  // Queues a statement of the validator; signed, with the right nonce, when the block is made.
  void propose(TxType type, Bytes body);
  // Pending entries of the store that the next block makes needless.
  void forget_pending(std::vector<std::string> keys);
  bool has_work() const { return !proposals_.empty() || !queue_.empty(); }

  // Makes at most one block out of what is queued: the validator's own first. `even_if_empty` makes
  // one without transactions. After an Error nothing was committed and the queue is kept.
  Result<OrderedBlock> make_block(std::uint64_t time_ms, bool even_if_empty);

  const Chain& chain() const { return chain_; }
  LedgerStore& store() { return *store_; }
  const AccountId& account() const { return account_; }
  const SecretKey& key() const { return key_; }

 private:
  Orderer(Chain chain, std::unique_ptr<LedgerStore> store, const SecretKey& key);
  SignedTransaction sign_own(TxType type, Bytes body, std::uint64_t nonce) const;

  Chain chain_;
  std::unique_ptr<LedgerStore> store_;
  SecretKey key_;
  AccountId account_;
  std::vector<std::pair<TxType, Bytes>> proposals_;
  std::vector<std::pair<std::uint64_t, SignedTransaction>> queue_;
  std::vector<std::string> needless_;
};

}  // namespace gradmint
