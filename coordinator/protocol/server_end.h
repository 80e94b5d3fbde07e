// The coordinator's end of all its connections. One real implementation, over sockets
// (server_transport.h), and one simulated (tests/simulation/). What a peer may do depends on the
// CURVE key its connection authenticated with.
//
// Thread safety: one loop thread owns it; admit, revoke and wake() may be used from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/protocol/messages.h"
#include "coordinator/protocol/payload.h"
#include "coordinator/protocol/transport_event.h"

namespace gradmint {

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

struct ServerBatch {
  std::vector<Inbound> inbound;  // at most kMaxInboundPerPoll
  std::vector<TransportEvent> events;
  bool woken = false;  // by waker()
};

enum class SendOutcome : std::uint8_t {
  sent,          // handed to libzmq; it may still be lost with the connection
  unreachable,   // the peer is gone: forget it
  backpressure,  // it reads too slowly: try later, or drop what is superseded
  too_large,     // our own limits forbid it; nothing was sent
};

class ServerEnd {
 public:
  virtual ~ServerEnd() = default;

  // As bound, with real ports.
  virtual const std::string& join_endpoint() const = 0;
  virtual const std::string& work_endpoint() const = 0;

  // Waits until something is there, at most timeout_ms (0: not at all, −1: for ever); may return
  // early with nothing, after a signal.
  virtual ServerBatch poll(int timeout_ms) = 0;
  // Ends the wait of a poll, this or the next.
  virtual void wake() = 0;

  // Never blocks. request_id: that of the request answered, or 0.
  virtual SendOutcome send(const Peer& peer, const Message& message, std::uint64_t request_id,
                           Payload payload = {}) = 0;
  SendOutcome reply(const Inbound& request, const Message& message, Payload payload = {}) {
    return send(request.peer, message, request.request_id, std::move(payload));
  }

  // From now on this CURVE key may enter at work and speaks for `account`. Admitting it again
  // replaces the account. A revoked key's open connections are refused what they ask and closed a
  // moment later.
  virtual void admit(const Hash& curve_key, const AccountId& account) = 0;
  virtual void revoke(const Hash& curve_key) = 0;
  virtual bool is_admitted(const Hash& curve_key) const = 0;
  // Accounts connected at work that have said something there, one for each connection.
  virtual std::vector<AccountId> connected() const = 0;
};

}  // namespace gradmint
