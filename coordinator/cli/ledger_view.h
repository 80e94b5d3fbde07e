// A ledger as it is now, for reading. A directory: works while the coordinator runs and on a
// read-only mount, and changes no byte; it is compared with its own newest header and no further:
// verifying it from genesis is `gradmint audit verify`. A bundle is replayed.
#pragma once

#include <filesystem>

#include "kernels/base/result.h"
#include "ledger/audit/ledger_source.h"
#include "ledger/block.h"
#include "ledger/state.h"

namespace gradmint {

struct LedgerView {
  GenesisRecord genesis;
  Header tip;
  State state;
  std::shared_ptr<const BlobReader> blobs;
};

// What `--ledger` names: a directory, whose database this program reads in a child of its own, or a
// bundle.
Result<LedgerSource> open_source(const std::filesystem::path& ledger);

// not_found: there is no ledger; corrupt: it is not what was written.
Result<LedgerView> open_ledger(const std::filesystem::path& ledger);

}  // namespace gradmint
