// Reads a ledger's store through a child process (serve_reader.h), which may die of what it reads:
// that is then an Error like any other damage, and names the ledger. Not thread safe.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "ledger/ledger_reader.h"

namespace gradmint {

// The descriptor on which the child finds its socket.
inline constexpr int kReaderSocket = 3;

// `command` starts a program that calls serve_reader(kReaderSocket). Errors as LedgerStore::open's,
// corrupt where the child died of the store, io where it could not be started or was killed.
Result<std::unique_ptr<StoreReader>> read_in_child(const std::filesystem::path& directory,
                                                   const std::vector<std::string>& command);

}  // namespace gradmint
