#include "ledger/store_copy.h"

#include "ledger/store_database.h"

namespace gradmint {

namespace keys = store_keys;

namespace {

constexpr std::size_t kBatchBytes = std::size_t{4} << 20;

// Schema, newest block and count of writes: the copy's own.
bool is_own(std::string_view key) {
  return key == keys::kSchema || key == keys::kTip || key == keys::kSequence;
}

}  // namespace

Result<Tip> copy_ledger(const std::filesystem::path& from, const std::filesystem::path& to) {
  const auto source = StoreDatabase::open(from, LedgerStore::Mode::read_only, posix_disk());
  if (!source.ok()) return source.error();
  const auto tip = (*source)->tip();
  const auto stored_tip = (*source)->find(keys::kTip);
  if (!stored_tip.ok()) return stored_tip.error();
  if (!tip || !*stored_tip) {
    return Error{ErrorCode::not_found, "the ledger in '" + from.string() + "' has no block yet"};
  }
  const auto copy = StoreDatabase::open(to, LedgerStore::Mode::read_write, posix_disk());
  if (!copy.ok()) return copy.error();
  if ((*copy)->tip()) {
    return Error{ErrorCode::refused,
                 "there is a ledger in '" + to.string() + "' already: name another directory"};
  }
  leveldb::WriteBatch batch;
  Status written;
  const Status read = (*source)->scan("", [&](std::string_view key, ByteView value) {
    if (!written.ok() || is_own(key)) return;
    batch.Put(slice(key), slice(value));
    if (batch.ApproximateSize() < kBatchBytes) return;
    written = (*copy)->write(batch, std::nullopt);
    batch.Clear();
  });
  if (!read.ok()) return read.error();
  if (!written.ok()) return written.error();
  const auto certificate = (*source)->find(keys::at_height(keys::kCertificate, tip->height));
  if (!certificate.ok()) return certificate.error();
  batch.Put(slice(keys::kTip), slice(**stored_tip));
  written = (*copy)->write(batch, StoreDatabase::NewTip{*tip, to_bytes(certificate->value_or(""))});
  if (!written.ok()) return written.error();
  return *tip;
}

}  // namespace gradmint
