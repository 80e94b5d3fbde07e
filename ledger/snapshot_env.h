// A leveldb::Env over one database as it stood at one moment. LevelDB knows no read-only mode:
// opening takes a lock, recovers the log into new tables and starts new files. Here the files of
// the directory are pinned when the snapshot is taken (small ones read, tables held open), and all
// that LevelDB writes goes to memory. So no byte on disk changes, no lock is taken, a read-only
// mount will do, and a process that writes the database meanwhile neither notices nor disturbs the
// reader. How the moment is pinned, and why it is one: docs/ledger-store.md.
//
// Thread safe, as leveldb::Env demands. The snapshot must outlive the database opened on it, must
// be opened by the thread that took it, and be opened once.
#pragma once

#include <leveldb/env.h>

#include <filesystem>
#include <memory>

#include "kernels/base/result.h"

namespace gradmint {

// not_found when the directory holds no database; busy when its files kept changing through every
// attempt; io when they cannot be read. Damage is left for LevelDB to find.
Result<std::unique_ptr<leveldb::Env>> take_snapshot(const std::filesystem::path& database);

}  // namespace gradmint
