// What the validator's key has signed last, kept beside the key: so a ledger that is older than the
// key's last signature (a copy, a restored backup) is noticed before it is given a second history.
// The whole block is kept, not its name alone: it is written before the ledger has the block, and a
// crash between the two is healed by giving the ledger this very block. A block of another history,
// which a worker has shown (history_desk.h), is kept too: no later start signs before its operator
// has seen to it.
#pragma once

#include <filesystem>

#include "coordinator/order/certified_block.h"
#include "kernels/base/result.h"
#include "ledger/chain.h"
#include "ledger/disk.h"

namespace gradmint {

struct SignedBlock {
  Hash chain_id;
  std::uint64_t height = 0;
  Hash block_hash;
  Bytes header;        // these as the store keeps them
  Bytes transactions;  // no bytes at all: shown by a worker, and never made here
  Bytes certificate;
  // Up to here the operator has said that this ledger's history holds, whatever else is signed
  // there.
  std::uint64_t vouched_height = 0;
};

class SignGuard {
 public:
  explicit SignGuard(std::filesystem::path file, Disk& disk = posix_disk())
      : file_(std::move(file)), disk_(&disk) {}

  // not_found when there is none; corrupt when any byte of it was changed.
  Result<SignedBlock> read() const;
  // Synced before it returns: from then on the block's certificate may leave the process.
  Status write(const SignedBlock& block) const;

  const std::filesystem::path& file() const { return file_; }

 private:
  std::filesystem::path file_;
  Disk* disk_;
};

// Whether the key may sign above this chain's tip. Nothing: it may. A block: it may once this one,
// the guard's, stands on the chain (a crash came between guard and ledger). An Error says what is
// wrong, where, and how to go on; `ledger` is for its text.
Result<std::optional<CertifiedBlock>> may_sign(const SignGuard& guard, const Chain& chain,
                                               const std::filesystem::path& ledger);

// The operator's word that the ledger's newest block, which must be at `height`, is the newest of
// the history that holds: the guard is written anew from it. It never lets a height get a second
// block: refused where the guard knows a block above the ledger's, or the ledger ends elsewhere;
// busy while a coordinator runs.
Status vouch_for(const std::filesystem::path& ledger, const SignGuard& guard, std::uint64_t height);

}  // namespace gradmint
