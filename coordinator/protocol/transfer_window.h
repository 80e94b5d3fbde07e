// Which chunk to send (or ask for) next: at most `credit` of them unacknowledged, resumable at any
// offset. The same for updates going up and models coming down. Pure, not thread safe.
#pragma once

#include <cstdint>
#include <optional>

namespace gradmint {

struct ChunkRange {
  std::uint64_t offset_bytes = 0;
  std::uint32_t length_bytes = 0;
  bool operator==(const ChunkRange&) const = default;
};

class TransferWindow {
 public:
  // Precondition: total_bytes > 0; chunk_bytes a power of two in [4096, kMaxChunkBytes].
  TransferWindow(std::uint64_t total_bytes, std::uint32_t chunk_bytes);

  // (Re)starts at what the other side already holds; anything in flight is forgotten. False, and
  // nothing changes, when the offset is beyond the end or is not on a chunk boundary (the end is
  // one).
  bool resume(std::uint64_t offset_bytes, std::uint16_t credit);

  // The next range to send, marked as in flight; empty while the credit is used up, before resume,
  // and at the end.
  std::optional<ChunkRange> next();

  // Everything before `next_offset_bytes` has arrived. False for an offset never sent, going
  // backwards, or off a chunk boundary: the peer is faulty.
  bool acknowledge(std::uint64_t next_offset_bytes, std::uint16_t credit);

  bool finished() const { return acknowledged_bytes_ == total_bytes_; }
  std::uint64_t acknowledged_bytes() const { return acknowledged_bytes_; }
  std::uint64_t total_bytes() const { return total_bytes_; }

 private:
  bool on_boundary(std::uint64_t offset_bytes) const;

  std::uint64_t total_bytes_;
  std::uint32_t chunk_bytes_;
  std::uint64_t acknowledged_bytes_ = 0;
  std::uint64_t sent_bytes_ = 0;
  std::uint16_t credit_ = 0;
};

}  // namespace gradmint
