#include "coordinator/protocol/server_transport.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>

#include "coordinator/protocol/endpoint.h"
#include "coordinator/protocol/gatekeeper.h"
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

// Connections may use at most a part of the process's descriptors: disk and children need theirs.
std::size_t descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  constexpr rlim_t kWanted = 16384;
  if (limit.rlim_cur < kWanted && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = std::min(kWanted, limit.rlim_max);
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
  }
  return static_cast<std::size_t>(std::min(limit.rlim_cur, kWanted));
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
  GateLimits limits;
  limits.join = {std::min(options.max_join_connections, descriptors / 8),
                 options.max_connections_per_address, kMaxUntakenJoinBytes,
                 kMaxUntakenJoinBytesTotal};
  limits.work = {std::min(options.max_work_connections, descriptors / 2),
                 options.max_connections_per_address, kMaxUntakenWorkBytes,
                 kMaxUntakenWorkBytes * options.max_work_connections};
  limits.join_handshakes = options.join_handshakes;
  limits.join_handshakes_total = options.join_handshakes_total;
  limits.work_handshakes = options.work_handshakes;
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
  void open_router(ZmqSocket& socket, std::string_view domain, std::size_t wire_bytes,
                   int receive_messages);
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
  std::string join_endpoint;
  std::string work_endpoint;
  RateLimiter join_rate;
  RateLimiter work_rate;
  Waker waker;
};

void ServerTransport::State::open_router(ZmqSocket& socket, std::string_view domain,
                                         std::size_t wire_bytes, int receive_messages) {
  socket = ZmqSocket(context, ZMQ_ROUTER);
  socket.set(ZMQ_ROUTER_MANDATORY, 1);
  socket.set(ZMQ_MAXMSGSIZE, static_cast<std::int64_t>(wire_bytes));
  socket.set(ZMQ_SNDHWM, kSendHighWaterMessages);
  socket.set(ZMQ_RCVHWM, receive_messages);
  set_link_times(socket,
                 {options.handshake_timeout_ms, options.heartbeat_interval_ms, options.linger_ms});
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
  open_router(join, kJoinDomain, kMaxJoinWireBytes, kJoinReceiveHighWaterMessages);
  open_router(work, kWorkDomain, kMaxWorkWireBytes, kReceiveHighWaterMessages);
  gatekeeper.start(join, work);
  if (Status bound = bind_socket(join, options.join_endpoint); !bound) return bound;
  if (Status bound = bind_socket(work, options.work_endpoint); !bound) return bound;
  join_endpoint = join.last_endpoint();
  work_endpoint = work.last_endpoint();
  if (options.admin_socket.empty()) return {};
  open_router(admin, {}, kMaxJoinWireBytes, kJoinReceiveHighWaterMessages);
  return bind_socket(admin, "ipc://" + options.admin_socket);
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
  gatekeeper.taken(entrance, received->frames[1]->descriptor(), received->size_bytes);
  if (const auto refusal = admit_message(inbound, *received)) {
    refuse_message(inbound, *refusal);
  } else {
    batch.inbound.push_back(std::move(inbound));
  }
  return true;
}

// Who is this, by the connection's key alone.
std::optional<Refusal> ServerTransport::State::identify(Inbound& inbound, Frame& frame) {
  if (inbound.peer.entrance == kAtAdmin) {
    inbound.address = "admin";
    return std::nullopt;
  }
  inbound.address = frame.property("Peer-Address");
  const std::optional<Hash> key = hash_from_hex(frame.property("User-Id"));
  if (!key) return refuse(RefusalCode::not_a_member, "this connection carries no key");
  inbound.curve_key = *key;
  if (inbound.peer.entrance == kAtJoin) {
    if (join_rate.admit(inbound.address, now_ms())) return std::nullopt;
    return refuse(RefusalCode::rate_limited, "more than " +
                                                 std::to_string(options.join_rate.per_second) +
                                                 " requests a second from your address: slow down");
  }
  const std::optional<AccountId> account = gatekeeper.account_of(*key);
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
  if (!decoded.ok()) return decoded.refusal;
  const Kind& kind = kind_of(decoded.message);
  const std::string name(kind.name);
  if ((kind.accepted_at & inbound.peer.entrance) == 0) {
    return refuse(RefusalCode::not_accepted_here,
                  "a " + name + " is not accepted at this entrance");
  }
  if (received.count != (kind.has_payload ? 3u : 2u)) {
    return refuse(RefusalCode::malformed,
                  "a " + name + " takes " + (kind.has_payload ? "one" : "no") + " payload frame; " +
                      std::to_string(received.count - 2) + " came");
  }
  if (kind.has_payload) {
    if (received.frames[2]->view().size() > kMaxPayloadBytes) {
      return refuse(RefusalCode::oversized,
                    "a payload of " + std::to_string(received.frames[2]->view().size()) +
                        " bytes; at most " + std::to_string(kMaxPayloadBytes) + " are read");
    }
    inbound.payload = payload_of(received.frames[2]);
  }
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

}  // namespace gradmint
