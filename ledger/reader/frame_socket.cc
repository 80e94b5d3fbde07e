#include "ledger/reader/frame_socket.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "ledger/codec.h"

namespace gradmint {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

}  // namespace

bool FrameSocket::send(ByteView frame) const {
  Writer length;
  length.u32(static_cast<std::uint32_t>(frame.size()));
  for (ByteView rest : {ByteView(length.view()), frame}) {
    while (!rest.empty()) {
      const ssize_t sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0) return false;
      rest = rest.subspan(static_cast<std::size_t>(sent));
    }
  }
  return true;
}

std::optional<FrameEnd> FrameSocket::receive_exactly(Bytes& into, std::size_t count,
                                                     int patience_ms) const {
  std::size_t done = 0;
  into.clear();
  while (done < count) {
    pollfd ready{socket_.get(), POLLIN, 0};
    const int polled = ::poll(&ready, 1, patience_ms);
    if (polled < 0 && errno == EINTR) continue;
    if (polled == 0) return FrameEnd::overran;
    into.resize(std::min(count, done + kPieceBytes));
    const ssize_t got = ::recv(socket_.get(), into.data() + done, into.size() - done, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return FrameEnd::closed;
    done += static_cast<std::size_t>(got);
  }
  return std::nullopt;
}

std::optional<FrameEnd> FrameSocket::receive(Bytes& frame, std::size_t cap_bytes,
                                             int patience_ms) const {
  Bytes head;
  if (const auto end = receive_exactly(head, 4, patience_ms)) return end;
  const std::uint32_t length = Reader(head).u32();
  if (length > cap_bytes) return FrameEnd::oversized;
  return receive_exactly(frame, length, patience_ms);
}

}  // namespace gradmint
