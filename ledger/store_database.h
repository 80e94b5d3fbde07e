// The database under the block store: opening it (with its lock, or as a snapshot), reading keys,
// one synced batch at a time, and the checkpoint beside it. store.h gives the keys their meaning
// and the contract to others.
#pragma once

#include <leveldb/db.h>
#include <leveldb/env.h>
#include <leveldb/write_batch.h>

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "ledger/checkpoint_file.h"
#include "ledger/directory_lock.h"
#include "ledger/leveldb_error.h"
#include "ledger/store.h"
#include "ledger/store_keys.h"

namespace gradmint {

// What LevelDB takes for bytes.
inline leveldb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
inline leveldb::Slice slice(ByteView bytes) { return slice(store_keys::as_text(bytes)); }
inline Bytes to_bytes(std::string_view text) { return {text.begin(), text.end()}; }

class StoreDatabase {
 public:
  // See LedgerStore::open.
  static Result<std::unique_ptr<StoreDatabase>> open(const std::filesystem::path& directory,
                                                     LedgerStore::Mode mode, Disk& disk);

  const std::filesystem::path& directory() const { return directory_; }
  bool writable() const { return mode_ == LedgerStore::Mode::read_write; }
  std::optional<Tip> tip() const;

  // The value of a key, nothing when there is none.
  Result<std::optional<std::string>> find(std::string_view key) const;

  // Calls `visit(rest of the key, value)` for each entry whose key starts with `prefix`, in order.
  template <class Visit>
  Status scan(std::string_view prefix, const Visit& visit) const {
    const std::unique_ptr<leveldb::Iterator> at = new_iterator();
    for (at->Seek(slice(prefix)); at->Valid(); at->Next()) {
      const std::string_view key(at->key().data(), at->key().size());
      if (!key.starts_with(prefix)) break;
      visit(key.substr(prefix.size()),
            as_bytes(std::string_view(at->value().data(), at->value().size())));
    }
    if (at->status().ok()) return {};
    return leveldb_error("read", directory_, at->status());
  }

  // A block that a batch brings, to become the tip.
  struct NewTip {
    Tip tip;
    Bytes certificate;
  };
  // Synced, then the checkpoint. After a failure every further write is refused with the same
  // reason.
  Status write(leveldb::WriteBatch& batch, const std::optional<NewTip>& new_tip);

  Result<CheckpointFile> read_checkpoint() const;
  // See LedgerStore::compare_with_checkpoint.
  Status compare(const Result<CheckpointFile>& checkpoint) const;

 private:
  StoreDatabase(std::filesystem::path directory, LedgerStore::Mode mode, Disk& disk)
      : disk_(disk), directory_(std::move(directory)), mode_(mode) {}

  std::filesystem::path checkpoint_path() const;
  std::unique_ptr<leveldb::Iterator> new_iterator() const;
  Status lock();
  Status open_database();
  Status take_database_snapshot(const std::filesystem::path& database);
  Status check_schema();
  Status refuse_beheaded() const;
  Status load();
  Status load_sequence();
  Status write_and_checkpoint(leveldb::WriteBatch& batch, const std::optional<NewTip>& new_tip);
  Status write_checkpoint() const;

  Disk& disk_;
  const std::filesystem::path directory_;
  const LedgerStore::Mode mode_;
  std::optional<DirectoryLock> lock_;  // the writer's; outlives the database
  std::unique_ptr<leveldb::Env> env_;  // this too
  std::unique_ptr<leveldb::DB> database_;
  // Of a snapshot: as read before it was taken, so never ahead of it. The writer reads the file
  // anew.
  std::optional<Result<CheckpointFile>> checkpoint_at_open_;

  mutable std::mutex mutex_;  // guards what follows
  std::optional<NewTip> tip_;
  std::uint64_t sequence_ = 0;
  std::optional<Error> write_failure_;
};

}  // namespace gradmint
