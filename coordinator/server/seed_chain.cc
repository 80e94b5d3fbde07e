#include "coordinator/server/seed_chain.h"

#include "ledger/hash.h"
#include "ledger/tags.h"

namespace gradmint {

SeedChain::SeedChain(const Hash& secret, std::size_t length) {
  links_.reserve(length + 1);
  links_.push_back(tagged_hash(tag::kSeedChain, secret.view()));
  for (std::size_t i = 0; i < length; ++i) links_.push_back(sha256(links_.back().view()));
}

std::optional<Hash> SeedChain::preimage_of(const Hash& current) const {
  // The newest link named is near the end for a long time.
  for (std::size_t i = links_.size(); i-- > 1;) {
    if (links_[i] == current) return links_[i - 1];
  }
  return std::nullopt;
}

}  // namespace gradmint
