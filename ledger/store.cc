#include "ledger/store.h"

#include "ledger/store_database.h"

namespace gradmint {

namespace keys = store_keys;

struct LedgerStore::Impl {
  std::unique_ptr<StoreDatabase> database;
};

namespace {

std::string encode_tip(const Tip& tip) {
  return keys::big_endian(tip.height, 8).append(keys::as_text(tip.block_hash.view()));
}

}  // namespace

BlockBatch batch_of(const BlockDraft& draft, const Certificate& certificate) {
  BlockBatch batch;
  batch.height = draft.block.header.height;
  batch.block_hash = draft.block_hash;
  batch.header = encode_record(draft.block.header);
  batch.transactions = encode_transactions(draft.block.transactions);
  batch.certificate = encode_record(certificate);
  batch.receipts = encode_receipts(draft.receipts);
  for (const SignedTransaction& tx : draft.block.transactions) {
    batch.transaction_ids.push_back(tx.id);
  }
  batch.touched_accounts = touched_accounts(draft.block, draft.receipts);
  batch.state_changes = draft.changes;
  return batch;
}

LedgerStore::LedgerStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LedgerStore::~LedgerStore() = default;

Result<std::unique_ptr<LedgerStore>> LedgerStore::open(const std::filesystem::path& directory,
                                                       Mode mode, Disk& disk) {
  auto database = StoreDatabase::open(directory, mode, disk);
  if (!database.ok()) return database.error();
  auto impl = std::make_unique<Impl>(Impl{std::move(*database)});
  return std::unique_ptr<LedgerStore>(new LedgerStore(std::move(impl)));
}

Status LedgerStore::write_genesis(ByteView genesis) {
  GRADMINT_CHECK(impl_->database->writable());
  if (tip()) {
    return Error{ErrorCode::refused,
                 "the ledger in '" + impl_->database->directory().string() +
                     "' has begun already; run it, or choose another directory"};
  }
  leveldb::WriteBatch batch;
  batch.Put(slice(keys::kGenesis), slice(genesis));
  return impl_->database->write(batch, std::nullopt);
}

Result<Bytes> LedgerStore::genesis() const {
  const auto found = impl_->database->find(keys::kGenesis);
  if (!found.ok()) return found.error();
  if (!*found) {
    return Error{ErrorCode::not_found, "the ledger in '" + impl_->database->directory().string() +
                                           "' has no genesis: finish gradmint coordinator init, or "
                                           "restore the ledger from a copy"};
  }
  return to_bytes(**found);
}

std::optional<Tip> LedgerStore::tip() const { return impl_->database->tip(); }

Status LedgerStore::commit(const BlockBatch& block) {
  GRADMINT_CHECK(impl_->database->writable());
  const auto before = tip();
  GRADMINT_CHECK(block.height == (before ? before->height + 1 : 0));
  const std::uint64_t height = block.height;
  const Tip new_tip{height, block.block_hash};
  leveldb::WriteBatch batch;
  batch.Put(slice(keys::at_height(keys::kHeader, height)), slice(block.header));
  batch.Put(slice(keys::at_height(keys::kTransactions, height)), slice(block.transactions));
  batch.Put(slice(keys::at_height(keys::kCertificate, height)), slice(block.certificate));
  batch.Put(slice(keys::at_height(keys::kReceipts, height)), slice(block.receipts));
  for (std::size_t i = 0; i < block.transaction_ids.size(); ++i) {
    std::string place = keys::big_endian(height, 8);
    keys::append_big_endian(place, i, 4);
    batch.Put(slice(keys::of_hash(keys::kTransactionId, block.transaction_ids[i])), slice(place));
  }
  for (const AccountId& account : block.touched_accounts) {
    batch.Put(slice(keys::of_account_at(account, height)), leveldb::Slice());
  }
  for (const auto& [key, value] : block.state_changes) {
    const std::string stored_key = keys::with_prefix(keys::kState, key);
    if (value) {
      batch.Put(slice(stored_key), slice(*value));
    } else {
      batch.Delete(slice(stored_key));
    }
  }
  for (const std::string& key : block.pending_removed) {
    batch.Delete(slice(keys::with_prefix(keys::kPending, key)));
  }
  batch.Put(slice(keys::kTip), slice(encode_tip(new_tip)));
  return impl_->database->write(batch, StoreDatabase::NewTip{new_tip, block.certificate});
}

Result<StoredBlock> LedgerStore::block(std::uint64_t height) const {
  const auto newest = tip();
  if (!newest || height > newest->height) {
    return Error{ErrorCode::not_found, "there is no block " + std::to_string(height) +
                                           "; the newest is " +
                                           (newest ? std::to_string(newest->height) : "none")};
  }
  StoredBlock block;
  const std::pair<std::string_view, Bytes*> parts[] = {{keys::kHeader, &block.header},
                                                       {keys::kTransactions, &block.transactions},
                                                       {keys::kCertificate, &block.certificate},
                                                       {keys::kReceipts, &block.receipts}};
  for (const auto& [prefix, part] : parts) {
    const auto found = impl_->database->find(keys::at_height(prefix, height));
    if (!found.ok()) return found.error();
    if (!*found) {
      return damage_error(impl_->database->directory(), "block " + std::to_string(height) +
                                                            " is not whole, though the newest is " +
                                                            std::to_string(newest->height));
    }
    *part = to_bytes(**found);
  }
  return block;
}

Result<std::optional<TransactionPlace>> LedgerStore::find_transaction(const Hash& id) const {
  const auto found = impl_->database->find(keys::of_hash(keys::kTransactionId, id));
  if (!found.ok()) return found.error();
  if (!*found) return std::optional<TransactionPlace>();
  const std::string_view place = **found;
  if (place.size() != 12)
    return damage_error(impl_->database->directory(), "a transaction's place is malformed");
  return std::optional(
      TransactionPlace{keys::read_big_endian(place.substr(0, 8)),
                       static_cast<std::uint32_t>(keys::read_big_endian(place.substr(8)))});
}

Result<std::vector<std::optional<TransactionPlace>>> LedgerStore::find_transactions(
    const std::vector<Hash>& ids) const {
  std::vector<std::optional<TransactionPlace>> places;
  for (const Hash& id : ids) {
    const auto place = find_transaction(id);
    if (!place.ok()) return place.error();
    places.push_back(*place);
  }
  return places;
}

Result<std::vector<std::uint64_t>> LedgerStore::heights_of(const AccountId& account) const {
  std::vector<std::uint64_t> heights;
  bool malformed = false;
  const Status scanned = impl_->database->scan(keys::of_hash(keys::kAccountIndex, account),
                                               [&](std::string_view height, ByteView) {
                                                 malformed |= height.size() != 8;
                                                 heights.push_back(keys::read_big_endian(height));
                                               });
  if (!scanned.ok()) return scanned.error();
  if (malformed)
    return damage_error(impl_->database->directory(), "the account index is malformed");
  return heights;
}

Status LedgerStore::for_each_state(const StateVisitor& visit) const {
  return impl_->database->scan(keys::kState, visit);
}

Status LedgerStore::put_pending(const std::string& key, ByteView value) {
  GRADMINT_CHECK(impl_->database->writable());
  leveldb::WriteBatch batch;
  batch.Put(slice(keys::with_prefix(keys::kPending, key)), slice(value));
  return impl_->database->write(batch, std::nullopt);
}

Result<std::map<std::string, Bytes>> LedgerStore::pending() const {
  std::map<std::string, Bytes> entries;
  const Status scanned =
      impl_->database->scan(keys::kPending, [&](std::string_view key, ByteView value) {
        entries[std::string(key)] = Bytes(value.begin(), value.end());
      });
  if (!scanned.ok()) return scanned.error();
  return entries;
}

Result<Checkpoint> LedgerStore::checkpoint() const {
  const auto file = impl_->database->read_checkpoint();
  if (!file.ok()) return file.error();
  return Checkpoint{{file->height, file->block_hash}, file->certificate};
}

Status LedgerStore::compare_with_checkpoint() const {
  return impl_->database->compare(impl_->database->read_checkpoint());
}

}  // namespace gradmint
