#include "coordinator/order/solo_ordering.h"

#include <utility>

namespace gradmint {

Result<std::unique_ptr<Ordering>> SoloOrdering::open(Signer& signer, const GenesisRecord& genesis) {
  if (genesis.validators.size() != 1) {
    return Error{ErrorCode::unsupported, "this ledger names " +
                                             std::to_string(genesis.validators.size()) +
                                             " validators; this release orders blocks for one"};
  }
  return std::unique_ptr<Ordering>(new SoloOrdering(signer));
}

Status SoloOrdering::propose(const Block& block) {
  auto certificate = signer_.vote(block);
  if (!certificate) return certificate.error();
  newest_ = CertifiedBlock{block, *std::move(certificate)};
  return {};
}

Result<std::optional<CertifiedBlock>> SoloOrdering::next(std::uint64_t above) {
  if (!newest_ || newest_->block.header.height != above + 1) return std::optional<CertifiedBlock>();
  return newest_;
}

Standing SoloOrdering::standing() const { return {}; }

Status SoloOrdering::acknowledge(const Acknowledgement& acknowledgement) {
  acknowledged_.push_back(acknowledgement);
  return {};
}

std::vector<Acknowledgement> SoloOrdering::acknowledged() {
  return std::exchange(acknowledged_, {});
}

}  // namespace gradmint
