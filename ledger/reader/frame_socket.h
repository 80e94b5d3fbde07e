// One end of the socket between a reading child and its parent, frame by frame.
#pragma once

#include <optional>

#include "kernels/base/result.h"
#include "ledger/regular_file.h"

namespace gradmint {

// Why there is no frame.
enum class FrameEnd { closed, overran, oversized };

class FrameSocket {
 public:
  explicit FrameSocket(Descriptor socket) : socket_(std::move(socket)) {}

  bool send(ByteView frame) const;  // false: the other end is gone
  // The next frame; memory is taken as bytes come, whatever length was announced. `patience_ms` is
  // for each piece of it, -1 waits as long as it takes.
  std::optional<FrameEnd> receive(Bytes& frame, std::size_t cap_bytes, int patience_ms) const;
  void close() { socket_ = Descriptor(); }

 private:
  std::optional<FrameEnd> receive_exactly(Bytes& into, std::size_t count, int patience_ms) const;
  Descriptor socket_;
};

}  // namespace gradmint
