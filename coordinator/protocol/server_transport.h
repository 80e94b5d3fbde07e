// The coordinator's sockets: join (any CURVE key), work (admitted keys only) and admin (ipc,
// optional). What a peer may do depends on the CURVE key its connection authenticated with, never
// on its routing id.
//
// Handled here, so that the loop never sees it: frames that do not decode, of another version, of a
// kind not accepted at that entrance, over their limits, or above the rate, each answered with a
// Refusal; peers that flood, stall in the handshake or open too many connections, cut off. Each
// gives one TransportEvent.
//
// Thread safety: one loop thread owns it; admit, revoke and waker() may be used from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "coordinator/protocol/curve.h"
#include "coordinator/protocol/messages.h"
#include "coordinator/protocol/payload.h"
#include "coordinator/protocol/rate_limit.h"
#include "coordinator/protocol/waker.h"
#include "kernels/base/result.h"

namespace gradmint {

struct ServerOptions {
  CurveKeyPair key;
  std::string join_endpoint = "tcp://127.0.0.1:7700";  // port 0: the system picks one
  std::string work_endpoint = "tcp://127.0.0.1:7701";
  std::string admin_socket;  // path of the ipc socket, in a directory of mode 0700; empty: none
  int handshake_timeout_ms = 5000;
  int heartbeat_interval_ms = 5000;  // a peer silent for three of them is gone
  int linger_ms = 1000;              // for what is still unsent when this is destroyed
  RateLimit join_rate{200, 1000};    // requests, for each remote address
  RateLimit work_rate{500, 2000};    // requests, for each account
  // Handshakes, which cost more than requests and which libzmq's automatic routing ids need bounded
  // (docs/protocol.md). Beyond them a connection is closed without an answer and the client tries
  // again.
  RateLimit join_handshakes{5, 256};         // for each remote address
  RateLimit join_handshakes_total{20, 512};  // over all of them
  RateLimit work_handshakes{2, 64};          // for each admitted key
  std::size_t max_join_connections = kMaxJoinConnections;
  std::size_t max_work_connections = kMaxWorkConnections;
  std::size_t max_connections_per_address = kMaxConnectionsPerAddress;
};

// One connection. A peer that reconnects is a new Peer.
struct Peer {
  Entrances entrance = kNowhere;
  std::string routing_id;
  auto operator<=>(const Peer&) const = default;
};

struct Inbound {
  Peer peer;
  Hash curve_key;       // the connection's; zero at admin
  AccountId account;    // at work: what this key was admitted as; zero elsewhere
  std::string address;  // remote address, for the log and for limits
  std::uint64_t request_id = 0;
  Message message;
  Payload payload;
};

enum class TransportEventKind : std::uint8_t {
  stranger_refused,  // a key that is not admitted knocked at work
  handshake_failed,  // not CURVE, or with another coordinator's key
  peer_cut_off,      // flooding, or too many connections
  message_refused,   // answered with a Refusal here
};

struct TransportEvent {
  TransportEventKind kind = TransportEventKind::message_refused;
  std::string text;  // one line for the log: who, what
};

struct ServerBatch {
  std::vector<Inbound> inbound;  // at most kMaxInboundPerPoll
  std::vector<TransportEvent> events;
  std::uint64_t events_dropped =
      0;               // since the last batch, when more than kMaxWaitingEvents waited
  bool woken = false;  // by waker()
};

enum class SendOutcome : std::uint8_t {
  sent,          // handed to libzmq; it may still be lost with the connection
  unreachable,   // the peer is gone: forget it
  backpressure,  // it reads too slowly: try later, or drop what is superseded
  too_large,     // our own limits forbid it; nothing was sent
};

class ServerTransport {
 public:
  // Binds everything or nothing. An address in use is `busy`: "port 7701 on 127.0.0.1 is already in
  // use: …".
  static Result<std::unique_ptr<ServerTransport>> bind(const ServerOptions& options);
  ~ServerTransport();
  ServerTransport(const ServerTransport&) = delete;
  ServerTransport& operator=(const ServerTransport&) = delete;

  // As bound, with real ports.
  const std::string& join_endpoint() const;
  const std::string& work_endpoint() const;

  // Waits until something is there, at most timeout_ms (0: not at all, −1: for ever); may return
  // early with nothing, after a signal.
  ServerBatch poll(int timeout_ms);

  // Never blocks. request_id: that of the request answered, or 0.
  SendOutcome send(const Peer& peer, const Message& message, std::uint64_t request_id,
                   Payload payload = {});
  SendOutcome reply(const Inbound& request, const Message& message, Payload payload = {}) {
    return send(request.peer, message, request.request_id, std::move(payload));
  }

  // From now on this CURVE key may enter at work and speaks for `account`. Admitting it again
  // replaces the account. A revoked key's open connections are refused message by message.
  void admit(const Hash& curve_key, const AccountId& account);
  void revoke(const Hash& curve_key);
  bool is_admitted(const Hash& curve_key) const;

  const Waker& waker() const;

 private:
  struct State;
  explicit ServerTransport(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gradmint
