// An order that answers late, out of turn, twice, or not at all: what a coordinator may meet where
// it is one of many. It has one validator, who votes for whichever proposal comes first.
#pragma once

#include <vector>

#include "coordinator/order/solo_ordering.h"
#include "tests/simulation/agenda.h"
#include "tests/simulation/chance.h"

namespace gradmint::simulation {

class UnreliableOrdering final : public Ordering {
 public:
  UnreliableOrdering(const Agenda& agenda, Chance& chance, std::unique_ptr<Ordering> solo)
      : agenda_(agenda), chance_(chance), solo_(std::move(solo)) {}

  Status propose(const Block& block) override;
  Result<std::optional<CertifiedBlock>> next(std::uint64_t above) override;
  Standing standing() const override;
  Status acknowledge(const Acknowledgement& acknowledgement) override;
  std::vector<Acknowledgement> acknowledged() override;

 private:
  struct Later {
    std::uint64_t due_ms = 0;
    Block block;
  };
  struct LaterWord {
    std::uint64_t due_ms = 0;
    Acknowledgement acknowledgement;
  };

  const Agenda& agenda_;
  Chance& chance_;
  std::unique_ptr<Ordering> solo_;
  std::vector<Later> proposals_;  // under way
  std::vector<LaterWord> words_;
  std::uint64_t busy_until_ms_ = 0;
  std::optional<CertifiedBlock> told_, again_;
};

}  // namespace gradmint::simulation
