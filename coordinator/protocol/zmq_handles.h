// libzmq's handles with owners, and frames as Payloads. For the transports alone. A socket belongs
// to one thread at a time.
#pragma once

#include <zmq.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/protocol/curve.h"
#include "coordinator/protocol/payload.h"
#include "kernels/base/result.h"
#include "ledger/bytes.h"

namespace gradmint {

class ZmqContext {
 public:
  ZmqContext();
  ~ZmqContext();  // waits for its sockets' linger; every socket must be closed before
  ZmqContext(const ZmqContext&) = delete;
  ZmqContext& operator=(const ZmqContext&) = delete;
  void* get() const { return context_; }

 private:
  void* context_;
};

class ZmqSocket {
 public:
  ZmqSocket() = default;
  ZmqSocket(const ZmqContext& context, int type);
  ~ZmqSocket() { close(); }
  ZmqSocket(ZmqSocket&& other) noexcept : socket_(std::exchange(other.socket_, nullptr)) {}
  ZmqSocket& operator=(ZmqSocket&& other) noexcept {
    close();
    socket_ = std::exchange(other.socket_, nullptr);
    return *this;
  }
  void close();
  void* get() const { return socket_; }

  void set(int option, int value) const;
  void set(int option, std::int64_t value) const;
  void set(int option, std::string_view value) const;
  void set(int option, const Hash& key) const;
  void set_curve_server(const CurveKeyPair& own) const;
  void set_curve_client(const CurveKeyPair& own, const Hash& server_key) const;
  std::string last_endpoint() const;
  bool writable() const;  // also lets the socket notice what its I/O thread has told it

 private:
  void* socket_ = nullptr;
};

// How long handshakes and unsent messages may last, for both sides alike. libzmq's own heartbeats
// stay off, and no receive queue has a high-water mark: 4.3.4 aborts on a PING or a heartbeat's
// timer when a connection ends whose receive queue was full (docs/protocol.md).
struct LinkTimes {
  int handshake_timeout_ms;
  int linger_ms;
};
void set_link_times(const ZmqSocket& socket, const LinkTimes& times);

class Frame {
 public:
  Frame() { zmq_msg_init(&message_); }
  ~Frame() { zmq_msg_close(&message_); }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  static void copy_of(ByteView bytes, Frame& out);
  static void sharing(const Payload& payload,
                      Frame& out);  // no copy; keeps the owner alive until sent

  zmq_msg_t* get() { return &message_; }
  ByteView view() {
    return {static_cast<const std::uint8_t*>(zmq_msg_data(&message_)), zmq_msg_size(&message_)};
  }
  std::string property(const char* name);  // empty when there is none
  int descriptor();                        // of the connection it came by; −1 when unknown

 private:
  zmq_msg_t message_;
};

// The bytes of a received frame, without copying them.
Payload payload_of(std::shared_ptr<Frame> frame);

// One message of a connection monitor (zmq_socket_monitor).
struct MonitorEvent {
  int event = 0;
  std::int64_t value = 0;
};

// Starts telling about the socket's connections, before it binds or connects; the returned socket
// must be read while the monitor runs, and stop_monitor called on the monitored socket before
// either is closed.
ZmqSocket start_monitor(const ZmqContext& context, const ZmqSocket& socket, int events);
void stop_monitor(const ZmqSocket& socket);
std::optional<MonitorEvent> next_event(const ZmqSocket& monitor);  // empty: none waits

// All frames of one message; empty when none waits. Frames beyond `keep` are counted, not kept.
struct ReceivedFrames {
  std::vector<std::shared_ptr<Frame>> frames;
  std::size_t count = 0;
  std::size_t size_bytes = 0;
};
std::optional<ReceivedFrames> receive_frames(const ZmqSocket& socket, std::size_t keep);

}  // namespace gradmint
