// The coordinator's sockets: join (any CURVE key), work (admitted keys only) and admin (ipc,
// optional). What a peer may do depends on the CURVE key its connection authenticated with, never
// on its routing id.
//
// Handled here, so that the loop never sees it: frames that do not decode, of another version, of a
// kind not accepted at that entrance, over their limits, or above the rate, each answered with a
// Refusal; peers that flood, stall in the handshake, fall silent or open too many connections, cut
// off. Each gives a TransportEvent, of which few of a kind are told and the rest counted. So are
// the Pings by which clients' transports keep their connections alive.
//
// Thread safety: one loop thread owns it; admit, revoke, wake() and waker() may be used from any
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "coordinator/protocol/curve.h"
#include "coordinator/protocol/rate_limit.h"
#include "coordinator/protocol/server_end.h"
#include "coordinator/protocol/waker.h"
#include "kernels/base/result.h"

namespace gradmint {

struct ServerOptions {
  CurveKeyPair key;
  std::string join_endpoint = "tcp://127.0.0.1:7700";  // port 0: the system picks one
  std::string work_endpoint = "tcp://127.0.0.1:7701";
  std::string admin_socket;  // path of the ipc socket, in a directory of mode 0700; empty: none
  int handshake_timeout_ms = 5000;
  int heartbeat_interval_ms = 5000;  // clients ping as often; one silent for three of them is gone
  int linger_ms = 1000;              // for what is still unsent when this is destroyed
  RateLimit join_rate{200, 1000};    // requests, for each remote address
  RateLimit work_rate{500, 2000};    // requests, for each account
  // Handshakes, which cost more than requests and which libzmq's automatic routing ids need bounded
  // (docs/protocol.md). Beyond them a connection is closed without an answer and the client tries
  // again.
  RateLimit join_handshakes{5, 64};          // for each remote address
  RateLimit join_handshakes_total{20, 512};  // over all of them
  RateLimit work_handshakes{2, 64};          // for each admitted key
  RateLimit work_handshakes_total{50, 4096};
  // Connections; see connection_guard.h.
  std::size_t max_pending = kMaxPending;
  std::size_t max_pending_per_address = kMaxPendingPerAddress;
  std::size_t max_guests = kMaxGuests;
  std::size_t max_guests_per_address = kMaxGuestsPerAddress;
  std::size_t max_work_connections = kMaxWorkConnections;
  std::size_t max_connections_per_account = kMaxConnectionsPerAccount;
  int guest_idle_ms = 10'000;
};

class ServerTransport final : public ServerEnd {
 public:
  // Binds everything or nothing. An address in use is `busy`: "port 7701 on 127.0.0.1 is already in
  // use: …". A process that may open too few files is told so: see enough_descriptors().
  static Result<std::unique_ptr<ServerTransport>> bind(const ServerOptions& options);
  ~ServerTransport() override;
  ServerTransport(const ServerTransport&) = delete;
  ServerTransport& operator=(const ServerTransport&) = delete;

  const std::string& join_endpoint() const override;
  const std::string& work_endpoint() const override;
  ServerBatch poll(int timeout_ms) override;
  void wake() override { waker().wake(); }
  SendOutcome send(const Peer& peer, const Message& message, std::uint64_t request_id,
                   Payload payload = {}) override;
  void admit(const Hash& curve_key, const AccountId& account) override;
  void revoke(const Hash& curve_key) override;
  bool is_admitted(const Hash& curve_key) const override;
  std::vector<AccountId> connected() const override;

  const Waker& waker() const;

 private:
  struct State;
  explicit ServerTransport(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gradmint
