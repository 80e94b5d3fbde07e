#include "coordinator/protocol/client_transport.h"

#include <algorithm>
#include <chrono>
#include <deque>

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
  int bounded(int timeout_ms) const;
  void receive(ClientBatch& batch);
  void read_monitor(ClientBatch& batch);
  std::optional<ClientInbound> decode(ReceivedFrames& received);
  Status send(const Message& message, const Payload& payload, std::uint64_t request_id);

  ClientOptions options;
  ZmqContext context;
  ZmqSocket dealer;
  ZmqSocket monitor;
  LinkWatch watch;
  std::optional<Clock::time_point> knock_at;  // when to try again after a refusal
  int knock_wait_ms = 0;
  std::deque<ClientInbound> kept;
  std::uint64_t last_request_id = 0;
  std::string protocol_error;
  Waker waker;
};

Status ClientTransport::State::open() {
  const bool ipc = options.endpoint.starts_with("ipc://");
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
  dealer.set(ZMQ_RCVHWM, kReceiveHighWaterMessages);
  dealer.set(ZMQ_RECONNECT_IVL, options.reconnect_ms);
  dealer.set(ZMQ_RECONNECT_IVL_MAX, options.reconnect_max_ms);
  dealer.set(ZMQ_CONNECT_TIMEOUT, options.handshake_timeout_ms);
  if (options.endpoint.find('[') != std::string::npos) dealer.set(ZMQ_IPV6, 1);
  set_link_times(dealer,
                 {options.handshake_timeout_ms, options.heartbeat_interval_ms, options.linger_ms});
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

int ClientTransport::State::bounded(int timeout_ms) const {
  if (!knock_at) return timeout_ms;
  const int until_knock_ms = remaining_ms(*knock_at) + 1;
  return timeout_ms < 0 ? until_knock_ms : std::min(timeout_ms, until_knock_ms);
}

void ClientTransport::State::read_monitor(ClientBatch& batch) {
  while (const auto seen = next_event(monitor)) {
    if (seen->event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) knock_wait_ms = 0;
    if (seen->event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH ||
        seen->event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) {
      knock_wait_ms = std::clamp(2 * knock_wait_ms, options.reconnect_ms, options.reconnect_max_ms);
      knock_at = Clock::now() + std::chrono::milliseconds(knock_wait_ms);
    }
    const LinkState before = watch.state();
    const std::uint64_t connections_before = watch.connections();
    watch.on(link_event(*seen));
    batch.link_changed |= watch.state() != before || watch.connections() != connections_before;
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
    if (auto inbound = decode(*received)) batch.inbound.push_back(std::move(*inbound));
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
  if (!dealer.writable()) {
    const bool connected = watch.state() == LinkState::connected;
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
  return {};
}

Result<std::unique_ptr<ClientTransport>> ClientTransport::connect(const ClientOptions& options) {
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
  zmq_poll(items, 3, batch.inbound.empty() ? state_->bounded(timeout_ms) : 0);
  batch.woken = state_->waker.drain();
  state_->read_monitor(batch);
  state_->receive(batch);
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
