#include "coordinator/order/transaction_queue.h"

#include "kernels/base/check.h"
#include "ledger/block.h"

namespace gradmint {
namespace {

constexpr std::size_t kMaxQueued = 4096, kMaxQueuedOfStrangers = 1024, kMaxQueuedOfSource = 16;
constexpr std::size_t kMaxQueuedBytes = kMaxBlockBytes;
constexpr std::size_t kMaxQueuedBytesOfStrangers = kMaxBlockBytes / 4;
constexpr std::size_t kMaxQueuedBytesOfSource = 512 * 1024;

}  // namespace

bool TransactionQueue::Share::has_room(const Share& limit, std::size_t size_bytes) const {
  return transactions < limit.transactions && bytes + size_bytes <= limit.bytes;
}

void TransactionQueue::Share::add(std::size_t size_bytes) {
  transactions += 1;
  bytes += size_bytes;
}

void TransactionQueue::Share::remove(std::size_t size_bytes) {
  GRADMINT_CHECK(transactions > 0 && bytes >= size_bytes);
  transactions -= 1;
  bytes -= size_bytes;
}

bool TransactionQueue::add(SignedTransaction transaction, std::uint64_t ticket,
                           const Source& source) {
  const std::size_t size_bytes = transaction.bytes.size();
  const auto known = sources_.find(source.connection_key);
  Share own = known == sources_.end() ? Share{} : known->second;
  if (!all_.has_room({kMaxQueued, kMaxQueuedBytes}, size_bytes) ||
      !own.has_room({kMaxQueuedOfSource, kMaxQueuedBytesOfSource}, size_bytes)) {
    return false;
  }
  if (!source.is_enrolled) {
    if (!strangers_.has_room({kMaxQueuedOfStrangers, kMaxQueuedBytesOfStrangers}, size_bytes)) {
      return false;
    }
    strangers_.add(size_bytes);
  }
  all_.add(size_bytes);
  own.add(size_bytes);
  sources_[source.connection_key] = own;
  entries_.push_back({ticket, std::move(transaction), source});
  return true;
}

void TransactionQueue::release(const Entry& entry) {
  const std::size_t size_bytes = entry.transaction.bytes.size();
  all_.remove(size_bytes);
  if (!entry.source.is_enrolled) strangers_.remove(size_bytes);
  const auto own = sources_.find(entry.source.connection_key);
  GRADMINT_CHECK(own != sources_.end());
  own->second.remove(size_bytes);
  if (own->second.transactions == 0) sources_.erase(own);
}

void TransactionQueue::remove_first(std::size_t count) {
  GRADMINT_CHECK(count <= entries_.size());
  for (std::size_t i = 0; i < count; ++i) {
    release(entries_.front());
    entries_.pop_front();
  }
}

std::vector<TransactionQueue::Entry> TransactionQueue::take(std::set<Hash> ids) {
  std::vector<Entry> taken;
  std::deque<Entry> left;
  for (Entry& entry : entries_) {
    if (ids.erase(entry.transaction.id) != 0) {
      release(entry);
      taken.push_back(std::move(entry));
    } else {
      left.push_back(std::move(entry));
    }
  }
  entries_ = std::move(left);
  return taken;
}

}  // namespace gradmint
