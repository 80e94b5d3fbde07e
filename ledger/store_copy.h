// A copy of a block store, taken while a coordinator writes it: LevelDB's files cannot be copied
// one after the other, since it replaces them meanwhile.
#pragma once

#include <filesystem>

#include "kernels/base/result.h"
#include "ledger/ledger_reader.h"

namespace gradmint {

// Writes what the store in `from` holds now into a new one in `to`, synced, and gives its newest
// block. Blobs are not part of it. Cut short it leaves a store without a newest block, which
// nothing runs on. refused: `to` holds a ledger already.
Result<Tip> copy_ledger(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace gradmint
