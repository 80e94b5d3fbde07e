// The end of a LevelDB log or manifest after a power cut. Where a file system made the file longer
// before its bytes were written, the last record reads as a beginning and zeros. LevelDB takes a
// record that is too short for the end of the file, but one that is long enough and does not hold
// for damage, and opens nothing. (Its format: LevelDB, doc/log_format.md.)
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

#include "kernels/base/result.h"
#include "ledger/disk.h"

namespace gradmint {

// How many bytes of a log are whole records, where all behind them is what a power cut leaves: the
// beginning of one record, then zeros, of which each may be missing. Nothing where something else
// is wrong, or nothing is. Pure.
std::optional<std::size_t> whole_bytes_before_torn_end(ByteView log);

// Cuts such ends off in a database's newest log and in its manifest. The file as it was stays
// beside it, as FILE.torn. Whether anything that was acknowledged went with it is the checkpoint's
// to say (store_database.h). True when something was cut.
Result<bool> cut_torn_ends(Disk& disk, const std::filesystem::path& database);

}  // namespace gradmint
