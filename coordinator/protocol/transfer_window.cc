#include "coordinator/protocol/transfer_window.h"

#include <algorithm>

#include "coordinator/protocol/limits.h"
#include "kernels/base/check.h"

namespace gradmint {

TransferWindow::TransferWindow(std::uint64_t total_bytes, std::uint32_t chunk_bytes)
    : total_bytes_(total_bytes), chunk_bytes_(chunk_bytes) {
  GRADMINT_CHECK(total_bytes > 0);
  GRADMINT_CHECK(chunk_bytes >= 4096 && chunk_bytes <= kMaxChunkBytes &&
                 (chunk_bytes & (chunk_bytes - 1)) == 0);
}

bool TransferWindow::on_boundary(std::uint64_t offset_bytes) const {
  return offset_bytes == total_bytes_ ||
         (offset_bytes < total_bytes_ && offset_bytes % chunk_bytes_ == 0);
}

bool TransferWindow::resume(std::uint64_t offset_bytes, std::uint16_t credit) {
  if (!on_boundary(offset_bytes)) return false;
  acknowledged_bytes_ = sent_bytes_ = offset_bytes;
  credit_ = std::min(credit, kMaxCredit);
  return true;
}

std::optional<ChunkRange> TransferWindow::next() {
  const std::uint64_t in_flight =
      (sent_bytes_ - acknowledged_bytes_ + chunk_bytes_ - 1) / chunk_bytes_;
  if (sent_bytes_ == total_bytes_ || in_flight >= credit_) return std::nullopt;
  const std::uint64_t length = std::min<std::uint64_t>(chunk_bytes_, total_bytes_ - sent_bytes_);
  const ChunkRange range{sent_bytes_, static_cast<std::uint32_t>(length)};
  sent_bytes_ += length;
  return range;
}

bool TransferWindow::acknowledge(std::uint64_t next_offset_bytes, std::uint16_t credit) {
  if (!on_boundary(next_offset_bytes) || next_offset_bytes < acknowledged_bytes_ ||
      next_offset_bytes > sent_bytes_) {
    return false;
  }
  acknowledged_bytes_ = next_offset_bytes;
  credit_ = std::min(credit, kMaxCredit);
  return true;
}

}  // namespace gradmint
