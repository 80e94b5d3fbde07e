// Orders transactions into blocks for a validator set of one: prepare, certify, guard, store,
// commit. The application below it (ledger/chain.h) does not know that it is alone.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "coordinator/order/sign_guard.h"
#include "coordinator/server/seed_chain.h"
#include "ledger/chain.h"
#include "ledger/store.h"

namespace gradmint {

struct Ordered {
  std::uint64_t ticket = 0;  // as given to submit; 0 for the validator's own
  SignedTransaction transaction;
  Verdict verdict = Verdict::ok;
};
// Where a transaction comes from: the key of the connection that brought it. That of somebody who
// is enrolled cannot be had by another; strangers make as many as they like.
struct Source {
  Hash connection_key;
  bool is_enrolled = false;
};
struct OrderedBlock {
  bool committed = false;  // false: nothing stood, no block was made
  std::vector<Ordered> outcomes;
  std::vector<TransactionReceipt> receipts;  // of the committed block
};

// Statements of a validator that what became of a member meanwhile may overtake: their refusal is
// no fault.
constexpr bool may_be_refused(TxType type) {
  return type == TxType::suspend_member || type == TxType::readmit_member ||
         type == TxType::rotate_key;
}

class Orderer {
 public:
  // Opens the ledger in `directory`. corrupt, busy, not_found (init first) are told by name; so is
  // a ledger older than what the guard says the key has signed.
  static Result<std::unique_ptr<Orderer>> open(const std::filesystem::path& directory,
                                               SignGuard guard, const SecretKey& validator,
                                               Disk& disk = posix_disk());
  // Writes the genesis block into a new ledger directory.
  static Status create(const std::filesystem::path& directory, const SignGuard& guard,
                       const GenesisRecord& genesis, const SecretKey& validator,
                       Disk& disk = posix_disk());

  // Queues somebody's transaction for the next block. The queue, the part of it that all strangers
  // have together and the part of each source are bounded, in transactions and bytes: false when
  // one is full.
  bool submit(SignedTransaction transaction, std::uint64_t ticket, const Source& source);
  // Queues a statement of the validator; signed, with the right nonce, when the block is made. Of
  // those that may be refused (may_be_refused) each block takes one, behind all others, so that
  // none loses its nonce by another's refusal.
  void propose(TxType type, Bytes body, std::uint64_t ticket = 0);
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
  std::uint64_t vouched_height() const { return vouched_height_; }  // of the guard

 private:
  Orderer(Chain chain, std::unique_ptr<LedgerStore> store, SignGuard guard, const SecretKey& key);
  Status agree_with_guard(const std::filesystem::path& directory);
  SignedTransaction sign_own(TxType type, Bytes body, std::uint64_t nonce) const;

  struct QueueShare {
    std::size_t transactions = 0, bytes = 0;
    bool has_room(const QueueShare& limit, std::size_t size_bytes) const;
    void add(std::size_t size_bytes);
  };

  Chain chain_;
  std::unique_ptr<LedgerStore> store_;
  SignGuard guard_;
  std::uint64_t vouched_height_ = 0;
  SecretKey key_;
  AccountId account_;
  struct Proposal {
    TxType type = TxType::open_round;
    Bytes body;
    std::uint64_t ticket = 0;
  };
  std::size_t order_proposals();
  std::vector<Proposal> proposals_;
  std::vector<std::pair<std::uint64_t, SignedTransaction>> queue_;
  QueueShare queued_, strangers_;
  std::map<Hash, QueueShare> sources_;
  std::vector<std::string> needless_;
};

}  // namespace gradmint
