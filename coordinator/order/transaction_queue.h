// Other people's transactions that wait for a block, with bounds: all of it fits into one block, a
// source has a small part, and strangers together a quarter, so that those who flood meet their own
// end and nobody else's. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>

#include "ledger/transaction.h"

namespace gradmint {

// Where a transaction comes from: the key of the connection that brought it. That of somebody who
// is enrolled cannot be had by another; strangers make as many as they like.
struct Source {
  Hash connection_key;
  bool is_enrolled = false;
};

class TransactionQueue {
 public:
  struct Entry {
    std::uint64_t ticket = 0;  // whom to answer
    SignedTransaction transaction;
    Source source;
  };

  // False where the queue, the strangers' part or the source's is full, in transactions or bytes.
  bool add(SignedTransaction transaction, std::uint64_t ticket, const Source& source);
  void remove_first(std::size_t count);
  // The first of each id that is named, in their order; one that was queued twice has an answer of
  // its own to come.
  std::vector<Entry> take(std::set<Hash> ids);

  const std::deque<Entry>& entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }

 private:
  struct Share {
    std::size_t transactions = 0, bytes = 0;
    bool has_room(const Share& limit, std::size_t size_bytes) const;
    void add(std::size_t size_bytes);
    void remove(std::size_t size_bytes);
  };
  void release(const Entry& entry);

  std::deque<Entry> entries_;
  Share all_, strangers_;
  std::map<Hash, Share> sources_;
};

}  // namespace gradmint
