// The coordinator's blocks as this worker has verified them: linked from the genesis, certified by
// its validators. A second certified block at a height already known is a fork, and never accepted.
// Pure, not thread safe.
#pragma once

#include <optional>
#include <vector>

#include "kernels/base/result.h"
#include "ledger/block.h"
#include "ledger/merkle.h"
#include "worker/session/memory.h"

namespace gradmint::session {

enum class HeaderOutcome : std::uint8_t {
  appended,
  known,
  gap,         // above the next height: the ones between are missing
  fork,        // certified, at a known height, with another hash
  fork_below,  // certified, next in height, but its parent is not our block
  broken,      // not certified, or against a rule: `verdict` names it
};
struct HeaderJudgement {
  HeaderOutcome outcome = HeaderOutcome::broken;
  Verdict verdict = Verdict::ok;
  std::uint64_t height = 0;
};

class HeaderChain {
 public:
  // corrupt: not a genesis record. bad_input: of another schema, not the chain that was asked for,
  // or one that cannot run here.
  static Result<HeaderChain> start(ByteView genesis, const Hash& chain_id);

  HeaderJudgement offer(const CertifiedHeader& offered);

  std::uint64_t height() const { return hashes_.size() - 1; }
  const Hash& tip_hash() const { return hashes_.back(); }
  const Header& tip() const { return tip_; }
  // As it came; empty at the genesis block.
  const CertifiedHeader& newest() const { return newest_; }
  std::optional<Hash> hash_at(std::uint64_t height) const;
  // Looks from the newest down.
  bool contains(const Hash& block_hash) const;
  const GenesisRecord& genesis() const { return genesis_; }
  const Hash& chain_id() const { return tip_.chain_id; }

 private:
  HeaderChain() = default;
  Verdict check_links(const Header& header) const;
  GenesisRecord genesis_;
  Header tip_;
  CertifiedHeader newest_;
  std::vector<Hash> hashes_;
  MerkleFrontier frontier_;
};

}  // namespace gradmint::session
