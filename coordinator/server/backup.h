// A copy of a coordinator's home that another coordinator could run in, taken whether or not one
// runs in the original.
#pragma once

#include "coordinator/server/home.h"

namespace gradmint {

struct BackupReport {
  std::uint64_t height = 0;  // of the newest block in it
  std::uint64_t blobs = 0, bytes = 0;
};

// Keys, settings, invitations, ledger, blobs and checkpoints into the new directory `to`, which is
// there only once all of it is synced. Not the log, nor unfinished uploads. bad_input: `to` is
// there already, or lies in the home.
Result<BackupReport> back_up(const Home& home, const std::filesystem::path& to);

}  // namespace gradmint
