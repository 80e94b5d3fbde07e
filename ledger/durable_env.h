// The writer's leveldb::Env. LevelDB syncs a new log's bytes but not the directory that names it,
// so a power cut could lose a whole log of acknowledged blocks; this one syncs the directory too.
#pragma once

#include <leveldb/env.h>

#include <memory>

#include "ledger/disk.h"

namespace gradmint {

// `disk` outlives it.
std::unique_ptr<leveldb::Env> make_durable_env(Disk& disk);

}  // namespace gradmint
