#include "coordinator/protocol/server_transport.h"

#include <algorithm>
#include <chrono>

#include "coordinator/protocol/descriptors.h"
#include "coordinator/protocol/endpoint.h"
#include "coordinator/protocol/gatekeeper.h"
#include "coordinator/protocol/peer_numbers.h"
#include "coordinator/protocol/request_check.h"
#include "coordinator/protocol/zmq_handles.h"
#include "kernels/base/check.h"

namespace gradmint {
namespace {

// ZMQ_ZAP_ENFORCE_DOMAIN: in libzmq since 4.3.0, hidden in its header behind the draft interface.
constexpr int kZapEnforceDomain = 93;
constexpr std::size_t kMaxNamesLimited = 4096;

std::uint64_t now_ms() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
}

Error bind_error(const std::string& address, int error) {
  const Result<TcpEndpoint> tcp = parse_tcp_endpoint(address);
  const std::string where =
      tcp ? "port " + std::to_string(tcp.value().port) + " on " + tcp.value().host
          : "socket " + address;
  switch (error) {
    case EADDRINUSE:
      return {ErrorCode::busy, where +
                                   " is already in use: stop the program that has it, or "
                                   "configure another port"};
    case EACCES:
      return {ErrorCode::io, where + " may not be used by this user: configure another"};
    case EADDRNOTAVAIL:
    case ENODEV:
      return {ErrorCode::bad_input,
              where + " cannot be bound: the host is not an address of this machine"};
    case ENAMETOOLONG:
      return {
          ErrorCode::bad_input,
          where +
              " cannot be bound: the path is too long for a socket; use a shorter home directory"};
    default:
      return {ErrorCode::io, where + " cannot be bound: " + zmq_strerror(error)};
  }
}

Status bind_socket(const ZmqSocket& socket, const std::string& address) {
  if (address.find('[') != std::string::npos) socket.set(ZMQ_IPV6, 1);
  if (zmq_bind(socket.get(), address.c_str()) != 0) return bind_error(address, zmq_errno());
  return {};
}

GateLimits gate_limits(const ServerOptions& options, std::size_t descriptors) {
  const auto times = [&](GuardLimits& limits) {
    limits.max_pending = std::min(options.max_pending, descriptors / 8);
    limits.max_pending_per_address = options.max_pending_per_address;
    limits.max_per_account = options.max_connections_per_account;
    limits.max_first_bytes = kMaxFirstBytes;
    limits.max_pending_ms = 2 * static_cast<std::uint64_t>(options.handshake_timeout_ms);
    limits.max_silent_ms = 3 * static_cast<std::uint64_t>(options.heartbeat_interval_ms);
    limits.idle_ms = static_cast<std::uint64_t>(options.guest_idle_ms);
  };
  GateLimits limits;
  times(limits.join);
  limits.join.max_connections = descriptors / 4;
  limits.join.max_guests = std::min(options.max_guests, descriptors / 8);
  limits.join.max_guests_per_address = options.max_guests_per_address;
  limits.join.max_untaken_bytes = kMaxUntakenJoinBytes;
  limits.join.max_untaken_total_bytes = kMaxUntakenJoinBytesTotal;
  times(limits.work);
  limits.work.max_connections = std::min(options.max_work_connections, descriptors / 2);
  limits.work.max_untaken_bytes = kMaxUntakenWorkBytes;
  limits.work.max_untaken_total_bytes = kMaxUntakenWorkBytesTotal;
  limits.join_handshakes = options.join_handshakes;
  limits.join_handshakes_total = options.join_handshakes_total;
  limits.work_handshakes = options.work_handshakes;
  limits.work_handshakes_total = options.work_handshakes_total;
  return limits;
}

}  // namespace

struct ServerTransport::State {
  explicit State(const ServerOptions& opts)
      : options(opts),
        descriptors(descriptor_limit()),
        gatekeeper(context, gate_limits(opts, descriptors)),
        join_rate(opts.join_rate, kMaxNamesLimited),
        work_rate(opts.work_rate, kMaxNamesLimited) {}

  ~State() {
    gatekeeper.stop(join, work);
    join.close();
    work.close();
    admin.close();
  }

  Status open();
  void open_router(ZmqSocket& socket, std::string_view domain, std::size_t wire_bytes);
  bool gave_id_of(const Peer& peer) const;
  void refuse_full(const Inbound& inbound, Standing standing);
  bool receive(const ZmqSocket& socket, Entrances entrance, ServerBatch& batch,
               std::size_t& size_bytes);
  std::optional<Refusal> admit_message(Inbound& inbound, ReceivedFrames& received);
  std::optional<Refusal> identify(Inbound& inbound, Frame& frame);
  void refuse_message(const Inbound& inbound, const Refusal& refusal);
  SendOutcome send(const Peer& peer, const Message& message, std::uint64_t request_id,
                   const Payload& payload);
  const ZmqSocket& socket_of(Entrances entrance) const {
    return entrance == kAtJoin ? join : entrance == kAtWork ? work : admin;
  }

  ServerOptions options;
  std::size_t descriptors;
  ZmqContext context;
  Gatekeeper gatekeeper;
  ZmqSocket join;
  ZmqSocket work;
  ZmqSocket admin;
  PeerNumbers join_numbers;
  PeerNumbers work_numbers;
  std::string join_endpoint;
  std::string work_endpoint;
  RateLimiter join_rate;
  RateLimiter work_rate;
  Waker waker;
};

void ServerTransport::State::open_router(ZmqSocket& socket, std::string_view domain,
                                         std::size_t wire_bytes) {
  socket = ZmqSocket(context, ZMQ_ROUTER);
  socket.set(ZMQ_ROUTER_MANDATORY, 1);
  socket.set(ZMQ_MAXMSGSIZE, static_cast<std::int64_t>(wire_bytes));
  socket.set(ZMQ_SNDHWM, kSendHighWaterMessages);
  set_link_times(socket, {options.handshake_timeout_ms, options.linger_ms});
  if (domain.empty()) return;
  socket.set_curve_server(options.key);
  socket.set(ZMQ_ZAP_DOMAIN, domain);
  socket.set(kZapEnforceDomain, 1);
}

Status ServerTransport::State::open() {
  for (const std::string* address : {&options.join_endpoint, &options.work_endpoint}) {
    if (const Result<TcpEndpoint> parsed = parse_tcp_endpoint(*address); !parsed)
      return parsed.error();
  }
  open_router(join, kJoinDomain, kMaxJoinWireBytes);
  open_router(work, kWorkDomain, kMaxWorkWireBytes);
  gatekeeper.start(join, work);
  join_numbers = PeerNumbers::of(context, join);
  work_numbers = PeerNumbers::of(context, work);
  if (Status bound = bind_socket(join, options.join_endpoint); !bound) return bound;
  if (Status bound = bind_socket(work, options.work_endpoint); !bound) return bound;
  join_endpoint = join.last_endpoint();
  work_endpoint = work.last_endpoint();
  if (options.admin_socket.empty()) return {};
  open_router(admin, {}, kMaxJoinWireBytes);
  return bind_socket(admin, "ipc://" + options.admin_socket);
}

// False when it chose its routing id itself.
bool ServerTransport::State::gave_id_of(const Peer& peer) const {
  const PeerNumbers& numbers = peer.entrance == kAtJoin ? join_numbers : work_numbers;
  return numbers.gave(peer.routing_id, gatekeeper.welcomed(peer.entrance));
}

// False when nothing waits.
bool ServerTransport::State::receive(const ZmqSocket& socket, Entrances entrance,
                                     ServerBatch& batch, std::size_t& size_bytes) {
  constexpr std::size_t kMostFrames = 3;  // routing id, header, payload
  auto received = receive_frames(socket, kMostFrames);
  if (!received) return false;
  size_bytes += received->size_bytes;
  if (received->count < 2) return true;  // a peer that sent nothing but its routing id
  Inbound inbound;
  const ByteView id = received->frames[0]->view();
  inbound.peer = Peer{entrance, {id.begin(), id.end()}};
  if (entrance == kAtAdmin) {
    if (const auto refusal = admit_message(inbound, *received)) {
      refuse_message(inbound, *refusal);
    } else {
      batch.inbound.push_back(std::move(inbound));
    }
    return true;
  }
  const int descriptor = received->frames[1]->descriptor();
  const Pass pass = read_pass(received->frames[1]->property("User-Id")).value_or(Pass{});
  inbound.curve_key = pass.curve_key;
  if (!gave_id_of(inbound.peer)) {
    gatekeeper.cut(entrance, descriptor, pass.handshake, "it chose its routing id itself");
    return true;
  }
  const auto refusal = admit_message(inbound, *received);
  const bool asks = !refusal && !std::holds_alternative<Ping>(inbound.message);
  const AccountId account = gatekeeper.account_of(inbound.curve_key).value_or(AccountId{});
  const Standing standing =
      gatekeeper.heard(entrance, {descriptor, pass.handshake, inbound.curve_key, account, asks,
                                  received->size_bytes, received->count});
  if (refusal) {
    refuse_message(inbound, *refusal);
  } else if (standing == Standing::full || standing == Standing::full_for_address) {
    refuse_full(inbound, standing);
  } else if (standing == Standing::welcome && !asks && inbound.request_id == kKeepAliveId) {
    send(inbound.peer, Pong{}, kKeepAliveId, {});
  } else if (standing == Standing::welcome) {
    batch.inbound.push_back(std::move(inbound));
  }
  return true;
}

void ServerTransport::State::refuse_full(const Inbound& inbound, Standing standing) {
  const std::string there = standing == Standing::full
                                ? std::to_string(options.max_guests) +
                                      " peers that are not registered are connected already"
                                : std::to_string(options.max_guests_per_address) +
                                      " peers that are not registered are connected from your "
                                      "address already";
  refuse_message(inbound, refuse(RefusalCode::full,
                                 there + ": there is room again when one has registered or ended"));
}

// Who is this, by the connection's key alone.
std::optional<Refusal> ServerTransport::State::identify(Inbound& inbound, Frame& frame) {
  if (inbound.peer.entrance == kAtAdmin) {
    inbound.address = "admin";
    return std::nullopt;
  }
  inbound.address = frame.property("Peer-Address");
  if (inbound.curve_key.is_zero())
    return refuse(RefusalCode::not_a_member, "this connection carries no key");
  if (inbound.peer.entrance == kAtJoin) {
    if (join_rate.admit(inbound.address, now_ms())) return std::nullopt;
    return refuse(RefusalCode::rate_limited, "more than " +
                                                 std::to_string(options.join_rate.per_second) +
                                                 " requests a second from your address: slow down");
  }
  const std::optional<AccountId> account = gatekeeper.account_of(inbound.curve_key);
  if (!account) {
    return refuse(RefusalCode::not_a_member,
                  "this key is no longer admitted: register with `gradmint worker join`");
  }
  inbound.account = *account;
  if (work_rate.admit(to_hex(*account), now_ms())) return std::nullopt;
  return refuse(RefusalCode::rate_limited, "more than " +
                                               std::to_string(options.work_rate.per_second) +
                                               " messages a second from your account: slow down");
}

// Checks in this order: who, how large, what, here?, payload. Fills in the rest of `inbound`.
std::optional<Refusal> ServerTransport::State::admit_message(Inbound& inbound,
                                                             ReceivedFrames& received) {
  Frame& header = *received.frames[1];
  std::optional<Refusal> unwelcome = identify(inbound, header);
  if (header.view().size() > kMaxRequestFrameBytes) {
    return refuse(RefusalCode::oversized,
                  "a header frame of " + std::to_string(header.view().size()) + " bytes; at most " +
                      std::to_string(kMaxRequestFrameBytes) + " are read");
  }
  DecodedMessage decoded = decode_message(header.view());
  inbound.request_id = decoded.request_id;
  if (unwelcome) return unwelcome;
  const std::size_t payload_frames = received.count - 2;
  const std::size_t payload_bytes =
      payload_frames > 0 ? received.frames[2]->view().size() : std::size_t{0};
  if (auto refusal = check_request(decoded, inbound.peer.entrance, payload_frames, payload_bytes)) {
    return refusal;
  }
  if (payload_frames > 0) inbound.payload = payload_of(received.frames[2]);
  inbound.message = std::move(decoded.message);
  return std::nullopt;
}

void ServerTransport::State::refuse_message(const Inbound& inbound, const Refusal& refusal) {
  // Dropped when the peer does not read: its own loss.
  send(inbound.peer, refusal, inbound.request_id, {});
  gatekeeper.report(
      TransportEventKind::message_refused, inbound.address + refusal.name,
      "refused a message from " + inbound.address + ": " + refusal.name + ": " + refusal.detail);
}

SendOutcome ServerTransport::State::send(const Peer& peer, const Message& message,
                                         std::uint64_t request_id, const Payload& payload) {
  const Kind& kind = kind_of(message);
  GRADMINT_CHECK(kind.has_payload || payload.empty());
  const Result<Bytes> encoded = encode_message(message, request_id);
  if (!encoded || payload.size() > kMaxPayloadBytes) return SendOutcome::too_large;
  const ZmqSocket& socket = socket_of(peer.entrance);
  GRADMINT_CHECK(socket.get() != nullptr);
  // Whether the peer can take the message is decided by its first frame; the others follow it.
  if (zmq_send(socket.get(), peer.routing_id.data(), peer.routing_id.size(),
               ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0) {
    return zmq_errno() == EAGAIN ? SendOutcome::backpressure : SendOutcome::unreachable;
  }
  Frame header;
  Frame::copy_of(encoded.value(), header);
  zmq_msg_send(header.get(), socket.get(), ZMQ_DONTWAIT | (kind.has_payload ? ZMQ_SNDMORE : 0));
  if (kind.has_payload) {
    Frame body;
    Frame::sharing(payload, body);
    zmq_msg_send(body.get(), socket.get(), ZMQ_DONTWAIT);
  }
  return SendOutcome::sent;
}

Result<std::unique_ptr<ServerTransport>> ServerTransport::bind(const ServerOptions& options) {
  if (Status enough = enough_descriptors(); !enough) return enough.error();
  std::unique_ptr<ServerTransport> transport(new ServerTransport(std::make_unique<State>(options)));
  if (Status opened = transport->state_->open(); !opened) return opened.error();
  return transport;
}

ServerTransport::ServerTransport(std::unique_ptr<State> state) : state_(std::move(state)) {}
ServerTransport::~ServerTransport() = default;

const std::string& ServerTransport::join_endpoint() const { return state_->join_endpoint; }
const std::string& ServerTransport::work_endpoint() const { return state_->work_endpoint; }
const Waker& ServerTransport::waker() const { return state_->waker; }

ServerBatch ServerTransport::poll(int timeout_ms) {
  ServerBatch batch;
  zmq_pollitem_t items[] = {{nullptr, state_->waker.fd(), ZMQ_POLLIN, 0},
                            {nullptr, state_->gatekeeper.events_waiting().fd(), ZMQ_POLLIN, 0},
                            {state_->join.get(), 0, ZMQ_POLLIN, 0},
                            {state_->work.get(), 0, ZMQ_POLLIN, 0},
                            {state_->admin.get(), 0, ZMQ_POLLIN, 0}};
  const int watched = state_->admin.get() != nullptr ? 5 : 4;
  zmq_poll(items, watched, timeout_ms);  // a signal ends it early, with nothing
  batch.woken = state_->waker.drain();
  // One from each in turn, so that a busy entrance does not starve another.
  std::size_t size_bytes = 0;
  std::size_t taken = 0;
  bool all_taken = false;
  for (bool more = true; more;) {
    more = false;
    for (const Entrances entrance : {kAtAdmin, kAtWork, kAtJoin}) {
      const ZmqSocket& socket = state_->socket_of(entrance);
      if (socket.get() == nullptr) continue;
      if (taken >= kMaxInboundPerPoll || size_bytes >= kMaxInboundBytesPerPoll) continue;
      if (state_->receive(socket, entrance, batch, size_bytes)) {
        more = true;
        ++taken;
      }
    }
    all_taken = !more && taken < kMaxInboundPerPoll && size_bytes < kMaxInboundBytesPerPoll;
  }
  if (all_taken) {
    state_->gatekeeper.all_taken(kAtJoin);
    state_->gatekeeper.all_taken(kAtWork);
  }
  state_->gatekeeper.hand_over(batch);
  return batch;
}

SendOutcome ServerTransport::send(const Peer& peer, const Message& message,
                                  std::uint64_t request_id, Payload payload) {
  return state_->send(peer, message, request_id, payload);
}

void ServerTransport::admit(const Hash& curve_key, const AccountId& account) {
  state_->gatekeeper.admit(curve_key, account);
}

void ServerTransport::revoke(const Hash& curve_key) { state_->gatekeeper.revoke(curve_key); }

bool ServerTransport::is_admitted(const Hash& curve_key) const {
  return state_->gatekeeper.account_of(curve_key).has_value();
}

std::vector<AccountId> ServerTransport::connected() const {
  return state_->gatekeeper.members_at_work();
}

}  // namespace gradmint
