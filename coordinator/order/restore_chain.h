// A chain as a store keeps it, and the beginning of one.
#pragma once

#include "coordinator/order/signer.h"
#include "ledger/chain.h"
#include "ledger/store.h"

namespace gradmint {

// The store of a ledger that is there, for its one writer. not_found (init first), busy, corrupt.
Result<std::unique_ptr<LedgerStore>> open_ledger(const std::filesystem::path& directory,
                                                 Disk& disk = posix_disk());
// corrupt, unsupported: told by name.
Result<Chain> restore_chain(const LedgerStore& store);

// Writes the genesis block into a new ledger directory, signed by a key that has signed nothing yet
// (Signer::begin).
Status create_ledger(const std::filesystem::path& directory, const SignerFiles& files,
                     const SecretKey& validator, const GenesisRecord& genesis,
                     Disk& disk = posix_disk());

}  // namespace gradmint
