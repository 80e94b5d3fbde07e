// Replays a ledger from its genesis, block by block, as a validator that trusts nobody: every
// signature, link, root, state transition, receipt and certificate. Pure: bytes in, findings out.
#pragma once

#include "kernels/base/result.h"
#include "ledger/audit/fault.h"
#include "ledger/chain.h"

namespace gradmint {

// As stored.
struct EncodedBlock {
  ByteView header, transactions, certificate, receipts;
};

struct ReplayedBlock {
  Block block;
  std::vector<TransactionReceipt> receipts;
};

class Replay {
 public:
  // Block 0. Errors: unsupported when this program cannot run the genesis' rules (another
  // interpreter, a newer schema); everything else that is wrong is a fault.
  Result<Finding> begin(ByteView genesis, const EncodedBlock& block);

  // The next block; nothing may follow a fault. Without `verify_signatures` neither transactions
  // nor certificates are verified, everything else is.
  Finding next(const EncodedBlock& block, bool verify_signatures);

  bool begun() const { return chain_.has_value(); }
  const Chain& chain() const { return *chain_; }  // only once begun
  const ReplayedBlock& last() const { return last_; }
  std::uint64_t signatures() const { return signatures_; }  // verified so far

 private:
  std::optional<Chain> chain_;
  ReplayedBlock last_;
  std::uint64_t signatures_ = 0;
};

}  // namespace gradmint
