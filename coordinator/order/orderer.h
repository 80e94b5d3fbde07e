// What the coordinator's desks and its round say to the order of blocks: transactions and
// statements go in, blocks that stand come out. It keeps chain and store; who signs and how blocks
// become final it leaves to a Signer and an Ordering (ordering.h), which may answer late. One
// thread.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "coordinator/order/ordering.h"
#include "coordinator/order/signer.h"
#include "coordinator/order/transaction_queue.h"
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

// Statements of a validator that what became of a member meanwhile may overtake: their refusal is
// no fault.
constexpr bool may_be_refused(TxType type) {
  return type == TxType::suspend_member || type == TxType::readmit_member ||
         type == TxType::rotate_key;
}

class Orderer {
 public:
  struct Parts {
    Chain chain;
    std::unique_ptr<LedgerStore> store;
    std::unique_ptr<Signer> signer;
    std::unique_ptr<Ordering> ordering;
  };
  explicit Orderer(Parts parts);

  // Queues somebody's transaction for the next block; false when there is no room
  // (transaction_queue.h).
  bool submit(SignedTransaction transaction, std::uint64_t ticket, const Source& source) {
    return queue_.add(std::move(transaction), ticket, source);
  }
  // Queues a statement of the validator; signed, with the right nonce, when a block is proposed. Of
  // those that may be refused (may_be_refused) each block takes one, behind all others, so that
  // none loses its nonce by another's refusal, and they stay queued until one does. All others
  // follow from the state: a block that comes without them makes them void, for their round says
  // them anew if they still hold.
  void propose(TxType type, Bytes body, std::uint64_t ticket = 0);
  // The next block is made even if nothing is there to be put into it.
  void propose_empty() { wants_block_ = true; }
  // Pending entries of the store that the next block makes needless.
  void forget_pending(std::vector<std::string> keys);

  // What was certified before this start, into the ledger.
  Status catch_up();
  // The next block, once it stands; or what became of transactions of which none could. Nothing
  // while there is nothing to order, or the order has not answered yet: ask again. After an Error
  // nothing was committed and the queue is kept.
  Result<std::optional<OrderedBlock>> advance(std::uint64_t time_ms);

  // Synced before it returns; acknowledged() names it once as many hold it as a receipt promises.
  Status acknowledge(const Acknowledgement& acknowledgement);
  // One that an earlier life of this process has put on the disk.
  Status acknowledge_again(const Acknowledgement& acknowledgement) {
    return ordering_->acknowledge(acknowledgement);
  }
  std::vector<Acknowledgement> acknowledged() { return ordering_->acknowledged(); }

  const Chain& chain() const { return chain_; }
  LedgerStore& store() { return *store_; }
  Signer& signer() const { return *signer_; }
  const AccountId& account() const { return signer_->account(); }

 private:
  struct Proposal {
    TxType type = TxType::open_round;
    Bytes body;
    std::uint64_t ticket = 0;
  };
  // A block that was proposed: of the queues' beginnings, which stay there until a block stands.
  struct Proposed {
    BlockDraft draft;
    std::vector<SignedTransaction> candidates;
    std::vector<std::uint64_t> tickets;
    std::size_t own_count = 0, queue_count = 0;
  };
  bool has_work() const { return wants_block_ || !proposals_.empty() || !queue_.empty(); }
  std::size_t order_proposals();
  SignedTransaction sign_own(const Proposal& proposal, std::uint64_t nonce) const;
  Proposed prepare(std::uint64_t time_ms);
  OrderedBlock outcome_of(Proposed& proposed);
  OrderedBlock outcome_of(const BlockDraft& others);
  Result<std::optional<OrderedBlock>> look_at_order();
  Result<OrderedBlock> follow(CertifiedBlock certified);

  Chain chain_;
  std::unique_ptr<LedgerStore> store_;
  std::unique_ptr<Signer> signer_;
  std::unique_ptr<Ordering> ordering_;
  std::vector<Proposal> proposals_;
  TransactionQueue queue_;
  bool wants_block_ = false;
  std::optional<Proposed> proposed_;
  std::vector<std::string> needless_;
};

// How the order of a ledger is found (Surroundings): SoloOrdering::open, or another.
using OpenOrdering =
    std::function<Result<std::unique_ptr<Ordering>>(Signer& signer, const GenesisRecord& genesis)>;

// The ledger in `directory` and its order. corrupt, busy, not_found (init first) are told by name;
// so is a ledger older than what the key has signed.
Result<std::unique_ptr<Orderer>> open_orderer(const std::filesystem::path& directory,
                                              const SignerFiles& files, const SecretKey& validator,
                                              const OpenOrdering& ordering,
                                              Disk& disk = posix_disk());

}  // namespace gradmint
