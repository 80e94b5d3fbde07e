#include "ledger/store_database.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "ledger/durable_env.h"
#include "ledger/durable_file.h"
#include "ledger/snapshot_env.h"
#include "ledger/torn_log.h"

namespace gradmint {

namespace keys = store_keys;

namespace {

using Mode = LedgerStore::Mode;

// Large tables keep few files open: 1024 descriptors, the usual limit, then reach 32 GB.
constexpr std::size_t kTableBytes = std::size_t{32} << 20;
constexpr std::string_view kDatabaseFolder = "db";
constexpr std::string_view kCheckpointName = "checkpoint";

leveldb::Options options_for(Mode mode, leveldb::Env* env) {
  leveldb::Options options;
  options.create_if_missing = mode == Mode::read_write;
  options.paranoid_checks = true;
  options.compression = leveldb::kNoCompression;  // hashes and signatures do not compress
  options.max_file_size = kTableBytes;
  options.env = env;
  return options;
}

leveldb::ReadOptions read_options() {
  leveldb::ReadOptions options;
  options.verify_checksums = true;
  return options;
}

leveldb::WriteOptions synced() {
  leveldb::WriteOptions options;
  options.sync = true;
  return options;
}

std::optional<Tip> decode_tip(std::string_view text) {
  Tip tip;
  if (text.size() != 8 + tip.block_hash.bytes.size()) return std::nullopt;
  tip.height = keys::read_big_endian(text.substr(0, 8));
  std::ranges::copy(text.substr(8), tip.block_hash.bytes.begin());
  return tip;
}

Error no_ledger(const std::filesystem::path& directory) {
  std::error_code failed;
  const bool is_home = std::filesystem::exists(directory / "ledger" / kDatabaseFolder, failed);
  return {ErrorCode::not_found,
          "there is no ledger in '" + directory.string() + "'; " +
              (is_home ? "it is in '" + (directory / "ledger").string() + "'"
                       : "name a coordinator's HOME/ledger, or a copy of it")};
}

}  // namespace

std::filesystem::path StoreDatabase::checkpoint_path() const {
  return directory_ / kCheckpointName;
}

Result<CheckpointFile> StoreDatabase::read_checkpoint() const {
  return checkpoint_at_open_ ? *checkpoint_at_open_
                             : read_checkpoint_file(checkpoint_path(), disk_);
}

// Where LevelDB finds no CURRENT it would start an empty database over what is there. Only the
// remains of a first start that was cut short may be built upon.
Status StoreDatabase::refuse_beheaded() const {
  const auto database = directory_ / kDatabaseFolder;
  if (disk_.look(database / "CURRENT").is_there()) return {};
  bool remains = disk_.look(directory_ / kCheckpointName).is_there();
  std::vector<std::string> names;
  static_cast<void>(disk_.list(database, names));  // what is not there holds nothing
  for (const std::string& name : names) {
    remains |= name.ends_with(".log") || name.ends_with(".ldb") || name.ends_with(".sst");
  }
  return remains ? Status(damage_error(directory_, "db/CURRENT is missing")) : Status();
}

std::unique_ptr<leveldb::Iterator> StoreDatabase::new_iterator() const {
  leveldb::ReadOptions options = read_options();
  options.fill_cache = false;
  return std::unique_ptr<leveldb::Iterator>(database_->NewIterator(options));
}

Result<std::optional<std::string>> StoreDatabase::find(std::string_view key) const {
  std::string value;
  const leveldb::Status status = database_->Get(read_options(), slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return leveldb_error("read", directory_, status);
  return std::optional(std::move(value));
}

std::optional<Tip> StoreDatabase::tip() const {
  const std::scoped_lock lock(mutex_);
  return tip_ ? std::optional(tip_->tip) : std::nullopt;
}

Status StoreDatabase::take_database_snapshot(const std::filesystem::path& database) {
  std::error_code failed;
  if (!std::filesystem::is_directory(database, failed) && (!failed || failed.value() == ENOENT)) {
    return no_ledger(directory_);
  }
  if (const Status whole = refuse_beheaded(); !whole.ok()) return whole;
  checkpoint_at_open_ = read_checkpoint_file(checkpoint_path(), disk_);
  auto snapshot = take_snapshot(database);
  if (!snapshot.ok()) {
    const bool missing = snapshot.error().code == ErrorCode::not_found;
    return missing ? no_ledger(directory_) : snapshot.error();
  }
  env_ = std::move(*snapshot);
  return {};
}

// LevelDB locks a file of the database: whoever deletes that file, or the database, would let a
// second writer in. So the directory is locked first.
Status StoreDatabase::lock() {
  if (const Status made = create_directory_synced(disk_, directory_); !made.ok()) return made;
  auto lock = DirectoryLock::take(directory_,
                                  "another process is using the ledger in '" + directory_.string() +
                                      "'; stop it first, or only read",
                                  disk_);
  if (!lock.ok()) return lock.error();
  lock_.emplace(*std::move(lock));
  remove_partial_files(disk_, directory_);
  return create_directory_synced(disk_, directory_ / kDatabaseFolder);
}

Status StoreDatabase::open_database() {
  const auto database = directory_ / kDatabaseFolder;
  if (writable()) {
    if (const Status locked = lock(); !locked.ok()) return locked;
    if (const Status whole = refuse_beheaded(); !whole.ok()) return whole;
    env_ = make_durable_env(disk_);
  } else {
    if (const Status taken = take_database_snapshot(database); !taken.ok()) return taken;
  }
  leveldb::DB* opened = nullptr;
  leveldb::Status status =
      leveldb::DB::Open(options_for(mode_, env_.get()), database.string(), &opened);
  if (status.IsCorruption() && writable()) {
    const auto cut = cut_torn_ends(disk_, database);
    if (!cut.ok()) return cut.error();
    if (*cut)
      status = leveldb::DB::Open(options_for(mode_, env_.get()), database.string(), &opened);
  }
  if (!status.ok()) return leveldb_error("open", directory_, status);
  database_.reset(opened);
  return {};
}

Status StoreDatabase::check_schema() {
  const auto schema = find(keys::kSchema);
  if (!schema.ok()) return schema.error();
  if (!*schema) {
    // Only a database that was never written may lack its schema.
    bool empty = true;
    const Status scanned = scan("", [&](std::string_view, ByteView) { empty = false; });
    if (!scanned.ok()) return scanned;
    if (!empty) return damage_error(directory_, "its schema number is missing");
    if (const Status kept = compare(read_checkpoint()); !kept.ok()) return kept;
    if (!writable()) return no_ledger(directory_);
    const std::string version = keys::big_endian(kLedgerSchema, 4);
    const leveldb::Status written = database_->Put(synced(), slice(keys::kSchema), slice(version));
    return written.ok() ? Status() : Status(leveldb_error("write", directory_, written));
  }
  if ((*schema)->size() != 4) return damage_error(directory_, "its schema number is malformed");
  const std::uint64_t version = keys::read_big_endian(**schema);
  if (version == 0) return damage_error(directory_, "its schema number is 0");
  // Its signed records are of another form: nothing could be made of them.
  if (std::string fault = schema_fault("the ledger in '" + directory_.string() + "'", version);
      !fault.empty()) {
    return Error{ErrorCode::unsupported, std::move(fault)};
  }
  return {};
}

Status StoreDatabase::load_sequence() {
  const auto stored = find(keys::kSequence);
  if (!stored.ok()) return stored.error();
  if (!*stored) return {};
  if ((*stored)->size() != 8) return damage_error(directory_, "its count of writes is malformed");
  sequence_ = keys::read_big_endian(**stored);
  return {};
}

// Tip and sequence; then, for the writer, the promise of the checkpoint.
Status StoreDatabase::load() {
  const auto stored_tip = find(keys::kTip);
  if (!stored_tip.ok()) return stored_tip.error();
  if (*stored_tip) {
    const auto tip = decode_tip(**stored_tip);
    if (!tip) return damage_error(directory_, "its tip is malformed");
    const auto certificate = find(keys::at_height(keys::kCertificate, tip->height));
    if (!certificate.ok()) return certificate.error();
    if (!*certificate) {
      return damage_error(directory_, "the certificate of its newest block is missing");
    }
    tip_ = NewTip{*tip, to_bytes(**certificate)};
  }
  if (const Status loaded = load_sequence(); !loaded.ok()) return loaded;
  if (!writable()) return {};
  const auto checkpoint = read_checkpoint();
  if (const Status kept = compare(checkpoint); !kept.ok()) return kept;
  const bool behind = !checkpoint.ok() || checkpoint->sequence < sequence_;
  return tip_ && behind ? write_checkpoint() : Status();
}

Result<std::unique_ptr<StoreDatabase>> StoreDatabase::open(const std::filesystem::path& directory,
                                                           LedgerStore::Mode mode, Disk& disk) {
  std::unique_ptr<StoreDatabase> opened(new StoreDatabase(directory, mode, disk));
  if (const Status status = opened->open_database(); !status.ok()) return status.error();
  if (const Status status = opened->check_schema(); !status.ok()) return status.error();
  if (const Status status = opened->load(); !status.ok()) return status.error();
  return opened;
}

Status StoreDatabase::compare(const Result<CheckpointFile>& checkpoint) const {
  if (!checkpoint.ok()) {
    if (checkpoint.error().code == ErrorCode::not_found) return {};
    return checkpoint.error();
  }
  const std::scoped_lock lock(mutex_);
  const std::string promised =
      "block " + std::to_string(checkpoint->height) + " (" + to_hex(checkpoint->block_hash) + ")";
  if (!tip_ || tip_->tip.height < checkpoint->height) {
    const std::string newest = tip_ ? std::to_string(tip_->tip.height) : "none";
    return damage_error(directory_,
                        promised + " was acknowledged and is missing; the newest is " + newest);
  }
  if (tip_->tip.height == checkpoint->height && tip_->tip.block_hash != checkpoint->block_hash) {
    return damage_error(directory_, promised + " was acknowledged, but block " +
                                        to_hex(tip_->tip.block_hash) + " stands in its place");
  }
  if (sequence_ < checkpoint->sequence) {
    return damage_error(directory_, std::to_string(checkpoint->sequence - sequence_) +
                                        " acknowledged writes after block " +
                                        std::to_string(tip_->tip.height) + " are missing");
  }
  return {};
}

Status StoreDatabase::write_checkpoint() const {
  return write_checkpoint_file(
      checkpoint_path(), {sequence_, tip_->tip.height, tip_->tip.block_hash, tip_->certificate},
      disk_);
}

// Batch first, checkpoint second: a crash between them leaves a checkpoint that is behind, which is
// harmless.
Status StoreDatabase::write_and_checkpoint(leveldb::WriteBatch& batch,
                                           const std::optional<NewTip>& new_tip) {
  const std::string next = keys::big_endian(sequence_ + 1, 8);
  batch.Put(slice(keys::kSequence), slice(next));
  const leveldb::Status status = database_->Write(synced(), &batch);
  if (!status.ok()) return leveldb_error("write", directory_, status);
  sequence_ += 1;
  if (new_tip) tip_ = new_tip;
  return tip_ ? write_checkpoint() : Status();
}

// LevelDB goes on appending after a record that a full disk cut short, and such a log cannot be
// recovered. So the first failure is the last write until the store is opened again.
Status StoreDatabase::write(leveldb::WriteBatch& batch, const std::optional<NewTip>& new_tip) {
  GRADMINT_CHECK(writable());
  const std::scoped_lock lock(mutex_);
  if (write_failure_) return *write_failure_;
  const Status written = write_and_checkpoint(batch, new_tip);
  if (!written.ok()) write_failure_ = written.error();
  return written;
}

}  // namespace gradmint
