#include "coordinator/order/receipt_log.h"

#include <algorithm>

#include "kernels/base/check.h"
#include "ledger/durable_file.h"
#include "ledger/hash.h"

namespace gradmint {
namespace {

constexpr std::string_view kFirstLine = "gradmint receipts 1\n";
constexpr std::size_t kChecksumBytes = 8;
constexpr std::size_t kBodyBytes = 8 + 4 + 32 + 32;
constexpr std::size_t kRecordBytes = kBodyBytes + kChecksumBytes;
constexpr std::uint64_t kFileBytesMax = std::uint64_t{16} << 20;  // 4095 members, and far more
constexpr unsigned kOwnerOnly = 0600;

struct Record {
  AttemptKey attempt;
  AccountId worker;
  Hash root;
};

Bytes encode(const Record& record) {
  Writer w;
  w.u64(record.attempt.round);
  w.u32(record.attempt.attempt);
  w.hash(record.worker);
  w.hash(record.root);
  const Hash digest = sha256(w.view());
  w.raw(ByteView(digest.bytes).first(kChecksumBytes));
  return w.take();
}

std::optional<Record> decode(ByteView bytes) {
  const Hash digest = sha256(bytes.first(kBodyBytes));
  if (!std::equal(bytes.begin() + kBodyBytes, bytes.end(), digest.bytes.begin()))
    return std::nullopt;
  Reader r(bytes.first(kBodyBytes));
  Record record;
  record.attempt.round = r.u64();
  record.attempt.attempt = r.u32();
  record.worker = r.hash();
  record.root = r.hash();
  return record;
}

Error damaged(const std::filesystem::path& file) {
  return {ErrorCode::corrupt,
          "'" + file.string() +
              "', which says for which updates this validator's key has signed receipts, is "
              "damaged: restore it with the newest ledger from a copy"};
}

}  // namespace

Status ReceiptLog::create(const std::filesystem::path& file, Disk& disk) {
  return replace_file(disk, file, as_bytes(std::string(kFirstLine)), kOwnerOnly);
}

Result<ReceiptLog> ReceiptLog::open(const std::filesystem::path& file, Disk& disk) {
  const auto content = disk.read(file, kFileBytesMax);
  if (!content) return content.error();
  const ByteView bytes(*content);
  if (bytes.size() < kFirstLine.size() ||
      !std::equal(kFirstLine.begin(), kFirstLine.end(), bytes.begin())) {
    return damaged(file);
  }
  ReceiptLog log(file, disk);
  std::size_t whole = kFirstLine.size();
  for (; bytes.size() - whole >= kRecordBytes; whole += kRecordBytes) {
    const auto record = decode(bytes.subspan(whole, kRecordBytes));
    const bool is_last = bytes.size() - whole < 2 * kRecordBytes;
    if (!record && is_last) break;
    if (!record || record->attempt < log.attempt_) return damaged(file);
    if (log.attempt_ < record->attempt) log.roots_.clear();
    log.attempt_ = record->attempt;
    log.roots_[record->worker] = record->root;
  }
  if (whole != bytes.size()) {
    if (Status cut = replace_file(disk, file, bytes.first(whole), kOwnerOnly); !cut)
      return cut.error();
  }
  return log;
}

Status ReceiptLog::note(const AttemptKey& attempt, const AccountId& worker, const Hash& root) {
  if (attempt < attempt_) {
    return Error{ErrorCode::refused, "round " + std::to_string(attempt.round) + ", attempt " +
                                         std::to_string(attempt.attempt) +
                                         ": receipts of a later attempt are signed already"};
  }
  if (attempt == attempt_) {
    if (const auto known = roots_.find(worker); known != roots_.end()) {
      if (known->second == root) return {};
      return Error{ErrorCode::refused, "round " + std::to_string(attempt.round) +
                                           ": a receipt for another update of " +
                                           address_of(worker) + " is signed already"};
    }
  }
  if (failed_) return Error{ErrorCode::io, "'" + file_.string() + "' could not be written before"};
  const Bytes record = encode({attempt, worker, root});
  const bool is_newer = attempt_ < attempt;
  if (Status kept = is_newer ? begin_attempt(record) : append(record); !kept) {
    failed_ = true;
    return kept;
  }
  if (is_newer) roots_.clear();
  attempt_ = attempt;
  roots_[worker] = root;
  return {};
}

Status ReceiptLog::begin_attempt(ByteView first) {
  open_.reset();
  Bytes content(kFirstLine.begin(), kFirstLine.end());
  content.insert(content.end(), first.begin(), first.end());
  return replace_file(*disk_, file_, content, kOwnerOnly);
}

Status ReceiptLog::append(ByteView record) {
  if (!open_) {
    if (const int failed = disk_->open(file_, Disk::Open::create, kOwnerOnly, open_); failed != 0)
      return file_error("open", file_, failed);
  }
  if (const int failed = open_->append(record); failed != 0)
    return file_error("write", file_, failed);
  if (const int failed = open_->sync(); failed != 0) return file_error("sync", file_, failed);
  return {};
}

}  // namespace gradmint
