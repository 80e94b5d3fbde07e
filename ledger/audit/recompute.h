// Recomputes rounds from the blobs that the ledger names. Every blob it reads is hashed first.
#pragma once

#include <map>
#include <set>

#include "kernels/backend.h"
#include "ledger/audit/history.h"
#include "ledger/blobs.h"
#include "ledger/execute_round.h"

namespace gradmint {

// The blobs that recomputation cannot do without, and how many bytes each has at most as the ledger
// says: the layout and the first model, and of each round that has a result what it began with, was
// given and ended with.
std::map<Hash, std::uint64_t> needed_blobs(const LedgerHistory& history);

// One object for a whole audit: a blob is hashed once, however often it is named. Not thread safe.
// Every function's Error means that the audit could not run (a file that cannot be read); what does
// not hold is a Finding: blob_missing, blob_corrupt, wrong_blob_size, wrong_layout, round_fails,
// wrong_abandonment, or a rule of compare_results.
class Recomputation {
 public:
  Recomputation(const BlobReader& blobs, kernels::Backend& backend)
      : blobs_(blobs), backend_(backend) {}

  // The blobs that a genesis names: the layout and the first model.
  Result<Finding> genesis(const GenesisRecord& genesis);
  // An attempt that has a result: its updates, its start and the models it ends with, and the whole
  // of its arithmetic.
  Result<Finding> round(const Attempt& attempt, const ModelSize& size);
  // The updates that a given-up attempt revealed, as far as they were kept; and where all were and
  // the reason is that they have no aggregate, that they have none. `state` is that after it.
  Result<Finding> abandoned(const Attempt& attempt, const StateReader& state,
                            const ModelSize& size);

  std::uint64_t rounds() const { return rounds_; }
  std::uint64_t blobs_hashed() const { return hashed_.size(); }

 private:
  struct Loaded {
    std::optional<MappedFile> file;
    Finding fault;
  };
  // What the ledger says of a blob's size.
  struct BlobBytes {
    std::uint64_t bytes = 0;
    bool exact = true;  // else at most
  };
  Result<Loaded> load(const Hash& root, std::uint64_t height, BlobBytes size);
  // An update that need not be there, but must be whole where it is.
  Result<Finding> check_if_present(const Opening& opening, const Attempt& attempt,
                                   const ModelSize& size, std::uint64_t height);
  Result<Finding> execute(const Attempt& attempt, const ModelSize& size);

  // What an attempt started from and what was given to it, and the files that hold it.
  struct Loading {
    const Attempt& attempt;
    std::uint64_t height = 0;
    ModelSize size = {};
    std::vector<MappedFile> files = {};
    RoundInputs inputs = {};
  };
  Result<ByteView> map(Loading& loading, const Hash& root, std::uint64_t size_bytes,
                       Finding& fault);
  Result<Finding> load_start(Loading& loading);
  Result<Finding> load_payload(Loading& loading, const AccountId& worker, RoundPayload payload);

  const BlobReader& blobs_;
  kernels::Backend& backend_;
  std::set<Hash> hashed_;
  std::uint64_t rounds_ = 0;
};

}  // namespace gradmint
