#include "coordinator/protocol/zmq_handles.h"

#include <atomic>
#include <cstring>
#include <utility>

#include "coordinator/protocol/limits.h"
#include "kernels/base/check.h"
#include "kernels/base/sanitizers.h"

#if GRADMINT_THREAD_SANITIZER
// libzmq, and libsodium under it, are not built for the thread sanitizer, which therefore sees none
// of their synchronisation and takes every message that goes from one thread to another for a race.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:libzmq.so\nrace:libsodium.so\n";
}
#endif

namespace gradmint {
namespace {

void release_owner(void* /*data*/, void* hint) {
  delete static_cast<std::shared_ptr<const void>*>(hint);
}

}  // namespace

ZmqContext::ZmqContext() : context_(zmq_ctx_new()) { GRADMINT_CHECK(context_ != nullptr); }

ZmqContext::~ZmqContext() {
  while (zmq_ctx_term(context_) != 0 && zmq_errno() == EINTR) {
  }
}

// Fails only without memory or descriptors.
ZmqSocket::ZmqSocket(const ZmqContext& context, int type)
    : socket_(zmq_socket(context.get(), type)) {
  GRADMINT_CHECK(socket_ != nullptr);
}

void ZmqSocket::close() {
  if (socket_ != nullptr) zmq_close(std::exchange(socket_, nullptr));
}

void ZmqSocket::set(int option, int value) const {
  GRADMINT_CHECK(zmq_setsockopt(socket_, option, &value, sizeof value) == 0);
}

void ZmqSocket::set(int option, std::int64_t value) const {
  GRADMINT_CHECK(zmq_setsockopt(socket_, option, &value, sizeof value) == 0);
}

void ZmqSocket::set(int option, std::string_view value) const {
  GRADMINT_CHECK(zmq_setsockopt(socket_, option, value.data(), value.size()) == 0);
}

void ZmqSocket::set(int option, const Hash& key) const {
  GRADMINT_CHECK(zmq_setsockopt(socket_, option, key.bytes.data(), key.bytes.size()) == 0);
}

void ZmqSocket::set_curve_server(const CurveKeyPair& own) const {
  set(ZMQ_CURVE_SERVER, 1);
  set(ZMQ_CURVE_SECRETKEY, own.secret_key);
}

void ZmqSocket::set_curve_client(const CurveKeyPair& own, const Hash& server_key) const {
  set(ZMQ_CURVE_PUBLICKEY, own.public_key);
  set(ZMQ_CURVE_SECRETKEY, own.secret_key);
  set(ZMQ_CURVE_SERVERKEY, server_key);
}

std::string ZmqSocket::last_endpoint() const {
  char text[512] = {};
  std::size_t size = sizeof text;
  GRADMINT_CHECK(zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, text, &size) == 0);
  return text;
}

bool ZmqSocket::writable() const {
  int events = 0;
  std::size_t size = sizeof events;
  return zmq_getsockopt(socket_, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLOUT) != 0;
}

void set_link_times(const ZmqSocket& socket, const LinkTimes& times) {
  socket.set(ZMQ_HANDSHAKE_IVL, times.handshake_timeout_ms);
  socket.set(ZMQ_HEARTBEAT_IVL, 0);
  socket.set(ZMQ_RCVHWM, kReceiveHighWaterMessages);
  socket.set(ZMQ_LINGER, times.linger_ms);
  socket.set(ZMQ_TCP_KEEPALIVE, 1);
  socket.set(ZMQ_TCP_KEEPALIVE_IDLE, 30);
  socket.set(ZMQ_TCP_KEEPALIVE_INTVL, 10);
  socket.set(ZMQ_TCP_KEEPALIVE_CNT, 3);
}

void Frame::copy_of(ByteView bytes, Frame& out) {
  GRADMINT_CHECK(zmq_msg_init_size(&out.message_, bytes.size()) == 0);
  if (!bytes.empty()) std::memcpy(zmq_msg_data(&out.message_), bytes.data(), bytes.size());
}

void Frame::sharing(const Payload& payload, Frame& out) {
  if (payload.empty()) return;
  auto* owner = new std::shared_ptr<const void>(payload.owner());
  // libzmq only reads what it sends.
  auto* data = const_cast<std::uint8_t*>(payload.view().data());
  GRADMINT_CHECK(zmq_msg_init_data(&out.message_, data, payload.size(), release_owner, owner) == 0);
}

std::string Frame::property(const char* name) {
  const char* value = zmq_msg_gets(&message_, name);
  return value == nullptr ? std::string{} : std::string(value);
}

int Frame::descriptor() { return zmq_msg_get(&message_, ZMQ_SRCFD); }

Payload payload_of(std::shared_ptr<Frame> frame) {
  const ByteView view = frame->view();
  return Payload::share(std::move(frame), view);
}

ZmqSocket start_monitor(const ZmqContext& context, const ZmqSocket& socket, int events) {
  // A name is free again only some time after its monitor stopped: each has its own.
  static std::atomic<std::uint64_t> started{0};
  const std::string address = "inproc://monitor-" + std::to_string(++started);
  GRADMINT_CHECK(zmq_socket_monitor(socket.get(), address.c_str(), events) == 0);
  ZmqSocket monitor(context, ZMQ_PAIR);
  monitor.set(ZMQ_LINGER, 0);
  // A full queue would block the I/O thread, and with it every connection.
  monitor.set(ZMQ_RCVHWM, 0);
  GRADMINT_CHECK(zmq_connect(monitor.get(), address.c_str()) == 0);
  return monitor;
}

void stop_monitor(const ZmqSocket& socket) { zmq_socket_monitor(socket.get(), nullptr, 0); }

std::optional<MonitorEvent> next_event(const ZmqSocket& monitor) {
  const auto received = receive_frames(monitor, 1);
  if (!received || received->frames.empty()) return std::nullopt;
  const ByteView view = received->frames[0]->view();
  std::uint16_t event = 0;
  std::uint32_t value = 0;
  if (view.size() < sizeof event + sizeof value) return std::nullopt;
  std::memcpy(&event, view.data(), sizeof event);
  std::memcpy(&value, view.data() + sizeof event, sizeof value);
  return MonitorEvent{event, value};
}

std::optional<ReceivedFrames> receive_frames(const ZmqSocket& socket, std::size_t keep) {
  ReceivedFrames received;
  for (bool more = true; more;) {
    auto frame = std::make_shared<Frame>();
    // The frames of one message arrive together: only the first can be missing.
    if (zmq_msg_recv(frame->get(), socket.get(), ZMQ_DONTWAIT) < 0) {
      if (zmq_errno() == EINTR && received.count > 0) continue;
      return std::nullopt;
    }
    more = zmq_msg_more(frame->get()) != 0;
    received.size_bytes += frame->view().size();
    if (++received.count <= keep) received.frames.push_back(std::move(frame));
  }
  return received;
}

}  // namespace gradmint
