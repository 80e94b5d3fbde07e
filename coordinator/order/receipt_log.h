// For which openings the validator's key has signed receipts, kept beside the key and written
// before a receipt leaves: no worker gets two for one attempt that name different updates. Only the
// newest attempt is kept; older ones get none any more. A file that grows by one record a receipt.
// One thread.
#pragma once

#include <filesystem>
#include <map>
#include <memory>

#include "kernels/base/result.h"
#include "ledger/disk.h"
#include "ledger/receipt.h"

namespace gradmint {

class ReceiptLog {
 public:
  // An empty one, in place of whatever is there; synced.
  static Status create(const std::filesystem::path& file, Disk& disk = posix_disk());
  // not_found when there is none, corrupt when it is damaged; what a power cut left unfinished at
  // its end was never acted on, and is cut off.
  static Result<ReceiptLog> open(const std::filesystem::path& file, Disk& disk = posix_disk());

  // Ok: it is on the disk, now or since before, and the receipt may be signed. refused: another
  // update was receipted, or the attempt is over. io: the disk; nothing more is taken then.
  Status note(const AttemptKey& attempt, const AccountId& worker, const Hash& root);

 private:
  ReceiptLog(std::filesystem::path file, Disk& disk) : file_(std::move(file)), disk_(&disk) {}
  Status begin_attempt(ByteView first);
  Status append(ByteView record);

  std::filesystem::path file_;
  Disk* disk_;
  std::unique_ptr<DiskFile> open_;
  AttemptKey attempt_;
  std::map<AccountId, Hash> roots_;  // of that attempt
  bool failed_ = false;
};

}  // namespace gradmint
