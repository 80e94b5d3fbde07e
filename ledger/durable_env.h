// The writer's leveldb::Env. LevelDB syncs a new log's bytes but not the directory that names it,
// so a power cut could lose a whole log of acknowledged blocks; this one syncs the directory too.
// Of a new table it syncs the name after the manifest has been written, though before that is
// synced: what was written may be on the disk already, and name a table that is not. So a table's
// name is synced as well, as soon as it has one.
#pragma once

#include <leveldb/env.h>

#include <memory>

#include "ledger/disk.h"

namespace gradmint {

// `disk` outlives it.
std::unique_ptr<leveldb::Env> make_durable_env(Disk& disk);

}  // namespace gradmint
