// The order of a validator set of one: what it proposes is the next block once its key has signed,
// and what its own disk holds is acknowledged.
#pragma once

#include "coordinator/order/signer.h"

namespace gradmint {

class SoloOrdering final : public Ordering {
 public:
  // Both outlive it. unsupported where the ledger names more validators than one.
  static Result<std::unique_ptr<Ordering>> open(Signer& signer, const GenesisRecord& genesis);

  Status propose(const Block& block) override;
  Result<std::optional<CertifiedBlock>> next(std::uint64_t above) override;
  Standing standing() const override;
  Status acknowledge(const Acknowledgement& acknowledgement) override;
  std::vector<Acknowledgement> acknowledged() override;

 private:
  explicit SoloOrdering(Signer& signer) : signer_(signer), newest_(signer.ahead()) {}

  Signer& signer_;
  std::optional<CertifiedBlock> newest_;
  std::vector<Acknowledgement> acknowledged_;
};

}  // namespace gradmint
