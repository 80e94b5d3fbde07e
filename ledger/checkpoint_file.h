// The file `checkpoint` beside the database: what has been acknowledged, kept apart from LevelDB,
// whose recovery takes a log cut at its end for an ordinary crash.
#pragma once

#include <filesystem>

#include "kernels/base/result.h"
#include "ledger/bytes.h"
#include "ledger/disk.h"

namespace gradmint {

struct CheckpointFile {
  std::uint64_t sequence =
      0;  // synced writes acknowledged so far: blocks, pending entries, genesis
  std::uint64_t height = 0;
  Hash block_hash;
  Bytes certificate;
};

// corrupt when any byte of it was changed; not_found when there is none.
Result<CheckpointFile> read_checkpoint_file(const std::filesystem::path& file,
                                            Disk& disk = posix_disk());
Status write_checkpoint_file(const std::filesystem::path& file, const CheckpointFile& checkpoint,
                             Disk& disk = posix_disk());

}  // namespace gradmint
