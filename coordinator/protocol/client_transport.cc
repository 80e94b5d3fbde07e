#include "coordinator/protocol/client_transport.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <limits>

#include "coordinator/protocol/descriptors.h"
#include "coordinator/protocol/endpoint.h"
#include "coordinator/protocol/link_watch.h"
#include "coordinator/protocol/zmq_handles.h"
#include "kernels/base/check.h"

namespace gradmint {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMonitored = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_CLOSED |
                           ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                           ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                           ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
// Messages kept while a request waits for its answer; beyond it the oldest goes.
constexpr std::size_t kMaxKept = 1024;
constexpr std::size_t kMaxFramesPerPoll = 64;
// Of libzmq's context, its two threads, its two sockets and a connection, with room to spare.
constexpr std::size_t kDescriptorsNeeded = 16;
// A request that could not be queued although connected is tried again this often.
constexpr int kRetryMs = 20;

LinkEvent link_event(const MonitorEvent& seen) {
  switch (seen.event) {
    case ZMQ_EVENT_CONNECTED:
      return LinkEvent::tcp_connected;
    case ZMQ_EVENT_CLOSED:
      return LinkEvent::tcp_failed;
    case ZMQ_EVENT_CONNECT_RETRIED:
      return LinkEvent::retrying;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
      return LinkEvent::handshake_succeeded;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
      return LinkEvent::handshake_refused;
    case ZMQ_EVENT_DISCONNECTED:
      return LinkEvent::disconnected;
    default:
      return LinkEvent::handshake_failed;
  }
}

int remaining_ms(Clock::time_point deadline) {
  using namespace std::chrono;
  const auto left = duration_cast<milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000'000));
}

}  // namespace

struct ClientTransport::State {
  explicit State(const ClientOptions& opts) : options(opts), watch(opts.endpoint) {}
  ~State() { close(); }

  Status open();
  void close();
  void knock_again();
  void call_again_in(int wait_ms);
  void keep_alive(ClientBatch& batch);
  bool consume(const ClientInbound& inbound, ClientBatch& batch);
  int bounded(int timeout_ms) const;
  void receive(ClientBatch& batch);
  void read_monitor(ClientBatch& batch);
  void tell(LinkEvent event, ClientBatch& batch);
  bool is_ipc() const { return options.endpoint.starts_with("ipc://"); }
  std::optional<ClientInbound> decode(ReceivedFrames& received);
  Status send(const Message& message, const Payload& payload, std::uint64_t request_id);

  ClientOptions options;
  ZmqContext context;
  ZmqSocket dealer;
  ZmqSocket monitor;
  LinkWatch watch;
  std::optional<Clock::time_point> knock_at;  // when to try again after a refusal
  int knock_wait_ms = 0;
  Clock::time_point sent_at;                 // anything, on this connection
  Clock::time_point heard_at;                // the same, from the other side
  std::optional<Clock::time_point> ping_at;  // sent, and nothing heard since
  bool ping_now = false;                     // the connection has just come up
  std::deque<ClientInbound> kept;
  std::uint64_t last_request_id = 0;
  std::string protocol_error;
  Waker waker;
};

Status ClientTransport::State::open() {
  const bool ipc = is_ipc();
  if (!ipc) {
    const Result<TcpEndpoint> parsed = parse_tcp_endpoint(options.endpoint);
    if (!parsed) return parsed.error();
    if (parsed.value().port == 0 || parsed.value().host == "*") {
      return Error{ErrorCode::bad_input, "address " + options.endpoint +
                                             " cannot be connected to: name the host and the port"};
    }
  }
  dealer = ZmqSocket(context, ZMQ_DEALER);
  dealer.set(ZMQ_IMMEDIATE, 1);  // nothing is queued for a connection that is not there
  dealer.set(ZMQ_MAXMSGSIZE, static_cast<std::int64_t>(kMaxWorkWireBytes));
  dealer.set(ZMQ_SNDHWM, kSendHighWaterMessages);
  dealer.set(ZMQ_RECONNECT_IVL, options.reconnect_ms);
  dealer.set(ZMQ_RECONNECT_IVL_MAX, options.reconnect_max_ms);
  dealer.set(ZMQ_CONNECT_TIMEOUT, options.handshake_timeout_ms);
  if (options.endpoint.find('[') != std::string::npos) dealer.set(ZMQ_IPV6, 1);
  set_link_times(dealer, {options.handshake_timeout_ms, options.linger_ms});
  if (!ipc) dealer.set_curve_client(options.key, options.server_key);
  monitor = start_monitor(context, dealer, kMonitored);
  if (zmq_connect(dealer.get(), options.endpoint.c_str()) != 0) {
    return Error{ErrorCode::bad_input,
                 "address " + options.endpoint + " cannot be used: " + zmq_strerror(zmq_errno())};
  }
  return {};
}

void ClientTransport::State::close() {
  if (dealer.get() == nullptr) return;
  stop_monitor(dealer);
  dealer.close();
  monitor.close();
}

// libzmq reconnects after a lost connection, but gives up for good when it was refused.
void ClientTransport::State::knock_again() {
  if (!knock_at || Clock::now() < *knock_at) return;
  knock_at.reset();
  close();
  GRADMINT_CHECK(open().ok());  // the same options worked before
}

void ClientTransport::State::call_again_in(int wait_ms) {
  knock_at = Clock::now() + std::chrono::milliseconds(wait_ms);
  ping_at.reset();
  ping_now = false;
}

// Own pings instead of libzmq's heartbeats (zmq_handles.h says why).
void ClientTransport::State::keep_alive(ClientBatch& batch) {
  if (is_ipc()) return;
  if (watch.state() != LinkState::connected && !ping_now && !ping_at) return;
  const std::chrono::milliseconds interval(options.heartbeat_interval_ms);
  const Clock::time_point now = Clock::now();
  if (ping_at && now - *ping_at > 2 * interval) {
    tell(LinkEvent::went_silent, batch);
    return call_again_in(0);
  }
  const bool quiet = now - sent_at >= interval || (!ping_at && now - heard_at >= interval);
  if (!ping_now && !quiet) return;
  if (!send(Ping{}, {}, kKeepAliveId)) return;  // a full queue is no silence of ours
  ping_now = false;
  if (!ping_at) ping_at = now;
}

// True for what is between the transports.
bool ClientTransport::State::consume(const ClientInbound& inbound, ClientBatch& batch) {
  const auto* refusal = std::get_if<Refusal>(&inbound.message);
  if (refusal != nullptr && refusal->code == RefusalCode::full) {
    batch.link_changed |= watch.state() != LinkState::full;
    watch.told_full(refusal->detail);
    knock_wait_ms = std::clamp(2 * knock_wait_ms, options.reconnect_ms, options.reconnect_max_ms);
    call_again_in(knock_wait_ms);
    close();  // or libzmq would call again by itself, at once
    return true;
  }
  knock_wait_ms = 0;
  tell(LinkEvent::answered, batch);
  return inbound.request_id == kKeepAliveId;
}

int ClientTransport::State::bounded(int timeout_ms) const {
  int wait_ms = timeout_ms < 0 ? std::numeric_limits<int>::max() : timeout_ms;
  if (knock_at) wait_ms = std::min(wait_ms, remaining_ms(*knock_at) + 1);
  if (watch.state() == LinkState::connected || ping_now || ping_at)
    wait_ms = std::min(wait_ms, std::max(1, options.heartbeat_interval_ms / 2));
  return wait_ms == std::numeric_limits<int>::max() ? -1 : wait_ms;
}

void ClientTransport::State::tell(LinkEvent event, ClientBatch& batch) {
  const LinkState before = watch.state();
  const std::uint64_t connections_before = watch.connections();
  watch.on(event);
  batch.link_changed |= watch.state() != before || watch.connections() != connections_before;
}

void ClientTransport::State::read_monitor(ClientBatch& batch) {
  while (const auto seen = next_event(monitor)) {
    if (seen->event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
      sent_at = heard_at = Clock::now();
      ping_at.reset();
      ping_now = true;
    }
    if (seen->event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH ||
        seen->event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) {
      knock_wait_ms = std::clamp(2 * knock_wait_ms, options.reconnect_ms, options.reconnect_max_ms);
      knock_at = Clock::now() + std::chrono::milliseconds(knock_wait_ms);
    }
    tell(link_event(*seen), batch);
    // Over ipc nobody pings, and nobody needs to: who is there is there.
    if (is_ipc() && seen->event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) tell(LinkEvent::answered, batch);
  }
}

std::optional<ClientInbound> ClientTransport::State::decode(ReceivedFrames& received) {
  DecodedMessage decoded = decode_message(received.frames[0]->view());
  if (received.frames[0]->view().size() > kMaxReplyFrameBytes) {
    decoded.refusal = refuse(RefusalCode::oversized, "a header frame over the limit");
  } else if (decoded.ok()) {
    const Kind& kind = kind_of(decoded.message);
    const bool payload_fits =
        received.count == (kind.has_payload ? 2u : 1u) &&
        (!kind.has_payload || received.frames[1]->view().size() <= kMaxPayloadBytes);
    if (kind.accepted_at != kNowhere || !payload_fits) {
      decoded.refusal = refuse(RefusalCode::malformed, "a " + std::string(kind.name) +
                                                           " that a coordinator would not send");
    }
  }
  if (!decoded.ok()) {
    protocol_error = "coordinator at " + options.endpoint + " sent " + decoded.refusal->name +
                     ": " + decoded.refusal->detail;
    return std::nullopt;
  }
  ClientInbound inbound{decoded.request_id, std::move(decoded.message), {}};
  if (received.count == 2) inbound.payload = payload_of(received.frames[1]);
  return inbound;
}

void ClientTransport::State::receive(ClientBatch& batch) {
  for (std::size_t taken = 0; taken < kMaxFramesPerPoll; ++taken) {
    auto received = receive_frames(dealer, 2);
    if (!received) return;
    heard_at = Clock::now();
    ping_at.reset();
    auto inbound = decode(*received);
    if (!inbound || consume(*inbound, batch)) continue;
    batch.inbound.push_back(std::move(*inbound));
  }
}

Status ClientTransport::State::send(const Message& message, const Payload& payload,
                                    std::uint64_t request_id) {
  const Kind& kind = kind_of(message);
  GRADMINT_CHECK(kind.has_payload || payload.empty());
  if (payload.size() > kMaxPayloadBytes) {
    return Error{ErrorCode::bad_input,
                 std::string(kind.name) + ": a payload of " + std::to_string(payload.size()) +
                     " bytes is larger than the " + std::to_string(kMaxPayloadBytes) +
                     " a message may carry"};
  }
  const Result<Bytes> encoded = encode_message(message, request_id);
  if (!encoded) return encoded.error();
  // Before it has answered our Ping a coordinator takes no more than that from us.
  const bool connected = watch.state() == LinkState::connected;
  if (!dealer.writable() || (!connected && request_id != kKeepAliveId)) {
    return Error{ErrorCode::io, connected ? "coordinator at " + options.endpoint +
                                                " reads too slowly: its queue is full"
                                          : watch.diagnosis()};
  }
  Frame header;
  Frame::copy_of(encoded.value(), header);
  if (zmq_msg_send(header.get(), dealer.get(),
                   ZMQ_DONTWAIT | (kind.has_payload ? ZMQ_SNDMORE : 0)) < 0) {
    return Error{ErrorCode::io, "coordinator at " + options.endpoint + " went away"};
  }
  if (kind.has_payload) {
    Frame body;
    Frame::sharing(payload, body);
    zmq_msg_send(body.get(), dealer.get(), ZMQ_DONTWAIT);
  }
  sent_at = Clock::now();
  return {};
}

Result<std::unique_ptr<ClientTransport>> ClientTransport::connect(const ClientOptions& options) {
  if (Status enough = descriptors_free(kDescriptorsNeeded); !enough) return enough.error();
  std::unique_ptr<ClientTransport> transport(new ClientTransport(std::make_unique<State>(options)));
  if (Status opened = transport->state_->open(); !opened) return opened.error();
  return transport;
}

ClientTransport::ClientTransport(std::unique_ptr<State> state) : state_(std::move(state)) {}
ClientTransport::~ClientTransport() = default;

ClientBatch ClientTransport::poll(int timeout_ms) {
  ClientBatch batch;
  while (!state_->kept.empty()) {
    batch.inbound.push_back(std::move(state_->kept.front()));
    state_->kept.pop_front();
  }
  state_->knock_again();
  zmq_pollitem_t items[] = {{nullptr, state_->waker.fd(), ZMQ_POLLIN, 0},
                            {state_->dealer.get(), 0, ZMQ_POLLIN, 0},
                            {state_->monitor.get(), 0, ZMQ_POLLIN, 0}};
  const int watched = state_->dealer.get() != nullptr ? 3 : 1;  // none while it waits to call again
  zmq_poll(items, watched, batch.inbound.empty() ? state_->bounded(timeout_ms) : 0);
  batch.woken = state_->waker.drain();
  state_->read_monitor(batch);
  state_->receive(batch);
  state_->keep_alive(batch);
  return batch;
}

Result<std::uint64_t> ClientTransport::send(const Message& message, Payload payload) {
  const std::uint64_t request_id = state_->last_request_id + 1;
  if (Status sent = state_->send(message, payload, request_id); !sent) return sent.error();
  return state_->last_request_id = request_id;
}

Result<ClientInbound> ClientTransport::request(const Message& message, int timeout_ms,
                                               Payload payload) {
  const Clock::time_point deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  const std::uint64_t request_id = ++state_->last_request_id;
  std::deque<ClientInbound> others;
  others.swap(state_->kept);
  std::optional<ClientInbound> answer;
  std::uint64_t sent_on = 0;  // the connection it was last sent on; 0: none
  Error last{ErrorCode::io, {}};
  bool woken = false;
  while (!answer && remaining_ms(deadline) > 0) {
    if (sent_on != connections() && link() == LinkState::connected) {
      Status sent = state_->send(message, payload, request_id);
      if (sent) sent_on = connections();
      if (!sent && sent.error().code == ErrorCode::bad_input) {
        last = sent.error();
        break;
      }
    }
    const bool waiting_to_send = link() == LinkState::connected && sent_on != connections();
    ClientBatch batch = poll(std::min(remaining_ms(deadline), waiting_to_send ? kRetryMs : 1000));
    woken |= batch.woken;
    for (ClientInbound& inbound : batch.inbound) {
      if (inbound.request_id == request_id) {
        answer = std::move(inbound);
      } else {
        others.push_back(std::move(inbound));
        if (others.size() > kMaxKept) others.pop_front();
      }
    }
  }
  others.swap(state_->kept);
  if (woken) state_->waker.wake();  // it was for whoever polls
  if (!answer) {
    if (!last.message.empty()) return last;
    return Error{ErrorCode::io, link() == LinkState::connected
                                    ? "coordinator at " + state_->options.endpoint +
                                          " did not answer a " +
                                          std::string(kind_of(message).name) + " within " +
                                          std::to_string(timeout_ms) + " ms"
                                    : diagnosis()};
  }
  if (const auto* refusal = std::get_if<Refusal>(&answer->message)) {
    return Error{ErrorCode::refused, refusal->name + ": " + refusal->detail};
  }
  return std::move(*answer);
}

LinkState ClientTransport::link() const { return state_->watch.state(); }
std::uint64_t ClientTransport::connections() const { return state_->watch.connections(); }
std::string ClientTransport::diagnosis() const { return state_->watch.diagnosis(); }
const std::string& ClientTransport::protocol_error() const { return state_->protocol_error; }
const Waker& ClientTransport::waker() const { return state_->waker; }

}  // namespace gradmint
