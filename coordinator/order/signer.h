// The validator's key, and the only one that holds it. It signs what it is asked to, but never two
// statements that contradict each other: one block a height, one update's receipt a worker and
// attempt; what it has signed is on the disk before it answers. Requests and answers are plain
// values, so that it can live in a process of its own. One thread.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "coordinator/order/ordering.h"
#include "coordinator/order/receipt_log.h"
#include "coordinator/order/sign_guard.h"

namespace gradmint {

// Where a signer remembers, beside its key (server/home.h).
struct SignerFiles {
  std::filesystem::path block;     // the newest that it has signed (sign_guard.h)
  std::filesystem::path receipts;  // of the newest attempt (receipt_log.h)
};

class Signer {
 public:
  // Of a key that has signed nothing yet: for the first block of a new ledger, in `ledger`.
  // bad_input where it has signed already.
  static Result<std::unique_ptr<Signer>> begin(const SecretKey& key, const SignerFiles& files,
                                               const std::filesystem::path& ledger,
                                               Disk& disk = posix_disk());
  // Of the key of a ledger that goes on. refused where the genesis does not name it; where the
  // ledger is older than what it has signed, or of another history, that is told by name.
  static Result<std::unique_ptr<Signer>> open(const SecretKey& key, const SignerFiles& files,
                                              const Chain& chain,
                                              const std::filesystem::path& ledger,
                                              Disk& disk = posix_disk());

  const AccountId& account() const { return account_; }
  std::uint64_t vouched_height() const { return newest_.vouched_height; }  // sign_guard.h
  // Signed, and then the process ended before the ledger had it.
  const std::optional<CertifiedBlock>& ahead() const { return ahead_; }

  // Its vote for this block, as a certificate that has no other. The same vote again for the same
  // block; refused where another was signed at its height or above.
  Result<Certificate> vote(const Block& block);
  // A receipt; the same again for the same update. refused as receipt_log.h says.
  Result<Bytes> receipt(const Acknowledgement& acknowledged);
  // A transaction of the validator's own account. The ledger takes one for each nonce.
  SignedTransaction sign(const Transaction& transaction) const;
  // What hides the validator's own evaluation until it is revealed (ledger/salts.h).
  Hash evaluation_salt(std::uint64_t round, const Hash& model_root) const;

  // A block of another history that a worker has shown, signed with this key: from now on, and
  // after a restart, nothing is signed before the operator has seen to it.
  Status keep_other_history(std::uint64_t height, const Hash& block_hash, ByteView header,
                            ByteView certificate);

 private:
  Signer(const SecretKey& key, SignGuard guard, ReceiptLog receipts);

  SecretKey key_;
  AccountId account_;
  Hash chain_id_;
  std::uint16_t index_ = 0;  // in the validator set
  SignGuard guard_;
  SignedBlock newest_;  // as the guard has it, or may have it
  bool has_signed_ = false;
  ReceiptLog receipts_;
  std::optional<CertifiedBlock> ahead_;
};

// vouch_for (sign_guard.h); and receipts that are gone or damaged begin anew.
Status vouch_for(const std::filesystem::path& ledger, const SignerFiles& files,
                 std::uint64_t height);

}  // namespace gradmint
