// The time before the first round, where the scaler comes from the sites: this worker states its
// sums, once, and learns the scaler that was fixed. Pure, not thread safe.
#pragma once

#include <optional>
#include <vector>

#include "worker/session/config.h"
#include "worker/session/stations.h"

namespace gradmint::session {

// The statement that fixed a scaler and the block it stands in, out of what a coordinator sent:
// certified by the chain's validators, and the right one for its contract. Nothing: it is not.
struct ProvenScaler {
  Hash block_hash;
  std::uint64_t height = 0;
  FixScaler statement;
};
std::optional<ProvenScaler> prove_scaler(const FixedScaler& message, ByteView transaction,
                                         const GenesisRecord& genesis);

class ScalerWork {
 public:
  ScalerWork(const Config& config, const Memory& memory) : config_(config), sums_(memory.sums) {}

  // Whether there is a scaler to read data by: true from the start where the contract has its own.
  bool ready(const HeaderChain& chain);
  const std::vector<ScalerBits>& scaler() const { return scaler_; }

  // Asks for the scaler once `round` has opened one. Before that, until the dataset of these rows
  // stands: nothing; then it states the sums.
  void advance(std::uint64_t round, bool dataset_stands, const Stations& stations);
  // Whether the rows have been read; their manifest is to be registered then.
  bool summed() const { return summed_; }
  void take(const DataSummed& summed) {
    summed_ = true;
    fresh_ = summed.sums;
    dataset_ = summed.dataset;
  }

  // bad_signature, unknown_anchor, …: it does not hold.
  Verdict take(const FixedScaler& message, ByteView transaction, const HeaderChain& chain,
               Outgoing& out);
  // Why the session must end; nothing where it goes on. Of a state_sums.
  std::optional<std::string> take(const Settled& settled, Outgoing& out);

 private:
  const Config& config_;
  std::optional<StateSums> sums_;  // as they were or will be stated
  StateSums fresh_;
  RegisterDataset dataset_;
  std::vector<ScalerBits> scaler_;
  std::optional<std::size_t> asked_columns_;  // by the contract; not looked up yet
  bool sum_asked_ = false, summed_ = false, stated_ = false;
  std::uint64_t again_ms_ = 0;  // not said before
};

}  // namespace gradmint::session
