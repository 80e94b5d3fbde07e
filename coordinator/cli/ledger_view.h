// A ledger directory as it is now, for reading: works while the coordinator runs and on a read-only
// mount, and changes no byte. It is compared with its own newest header and no further: verifying
// it from genesis is `gradmint audit verify`.
#pragma once

#include <filesystem>

#include "kernels/base/result.h"
#include "ledger/blobs.h"
#include "ledger/block.h"
#include "ledger/state.h"

namespace gradmint {

struct LedgerView {
  GenesisRecord genesis;
  Header tip;
  State state;
  BlobStore blobs;
};

// not_found: there is no ledger; corrupt: it is not what was written.
Result<LedgerView> open_ledger(const std::filesystem::path& directory);

}  // namespace gradmint
