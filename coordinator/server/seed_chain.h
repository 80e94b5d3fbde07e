// The validator's hash chain: genesis names H^n(secret); each CloseCommits reveals the preimage of
// the newest one named, so the seed of a round's order cannot be chosen after the commitments are
// known. Pure, thread safe after construction.
#pragma once

#include <optional>
#include <vector>

#include "ledger/bytes.h"

namespace gradmint {

inline constexpr std::size_t kSeedChainLength = std::size_t{1} << 18;  // rounds; 8 MiB in memory

class SeedChain {
 public:
  explicit SeedChain(const Hash& secret, std::size_t length = kSeedChainLength);
  const Hash& head() const { return links_.back(); }
  const Hash& last() const { return links_.front(); }  // revealed by the last round it closes
  // The preimage of `current`; nothing when it is not on this chain or the chain is used up.
  std::optional<Hash> preimage_of(const Hash& current) const;

 private:
  std::vector<Hash> links_;  // links_[i + 1] = SHA-256(links_[i])
};

}  // namespace gradmint
