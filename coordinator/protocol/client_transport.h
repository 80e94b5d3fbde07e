// A worker's or a wallet's connection to a coordinator: one DEALER, CURVE with the coordinator's
// key pinned, reconnecting by itself for ever. Over ipc (admin) there is no CURVE.
//
// Over TCP it pings when it has been quiet for an interval, and right after it has come up, so that
// the coordinator knows who is there; it counts as connected, and sends more, from the answer on.
// One that answers nothing for three intervals is given up and
// called again. Who does not poll does not ping, and may find the connection lost.
//
// Thread safety: one thread owns it; waker() may be used from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "coordinator/protocol/curve.h"
#include "coordinator/protocol/messages.h"
#include "coordinator/protocol/payload.h"
#include "coordinator/protocol/waker.h"
#include "kernels/base/result.h"

namespace gradmint {

struct ClientOptions {
  std::string endpoint;    // "tcp://host:port" or "ipc://path"
  Hash server_key;         // the coordinator's CURVE key; unused over ipc
  CurveKeyPair key;        // this side's; unused over ipc
  int reconnect_ms = 100;  // first wait, doubled up to reconnect_max_ms
  int reconnect_max_ms = 5000;
  int handshake_timeout_ms = 5000;
  int heartbeat_interval_ms = 5000;
  int linger_ms = 1000;
};

enum class LinkState : std::uint8_t {
  connecting,        // no answer yet
  connected,         // authenticated both ways, and it has answered a Ping
  unreachable,       // nobody listens there, or no route
  key_refused,       // the coordinator does not admit this key (yet)
  handshake_broken,  // it closed the connection during the handshake: another key than pinned, most
                     // likely
  full,              // it answered that it has no room for this side now
  lost,              // was connected
};

struct ClientInbound {
  std::uint64_t request_id = 0;  // 0: unasked
  Message message;
  Payload payload;
};

struct ClientBatch {
  std::vector<ClientInbound> inbound;
  bool link_changed = false;  // look at link() and connections()
  bool woken = false;
};

class ClientTransport {
 public:
  static Result<std::unique_ptr<ClientTransport>> connect(const ClientOptions& options);
  ~ClientTransport();
  ClientTransport(const ClientTransport&) = delete;
  ClientTransport& operator=(const ClientTransport&) = delete;

  // Waits until something is there, at most timeout_ms (0: not at all, −1: for ever); may return
  // early with nothing. Pings and reconnecting after a refusal happen here, so keep calling it.
  // That a coordinator is full is told by link() and diagnosis(), not by a message. Anything a
  // coordinator sends that does not decode is dropped and told by protocol_error().
  ClientBatch poll(int timeout_ms);

  // Never blocks. The request id (never 0), to find the answer by. Errors: io when there is no
  // connection (message: diagnosis()) or the queue is full; bad_input when it is over a limit, by
  // name.
  Result<std::uint64_t> send(const Message& message, Payload payload = {});

  // Sends and waits for the answer with this request's id; what else arrives is kept for the next
  // poll. Sent again after a reconnect. A Refusal comes back as Error{refused, "name: detail"}; no
  // answer in timeout_ms as Error{io, …} with the diagnosis.
  Result<ClientInbound> request(const Message& message, int timeout_ms, Payload payload = {});

  LinkState link() const;
  // How many times the connection has come up. When it changes, say Hello and resume transfers.
  std::uint64_t connections() const;
  // One line on why there is no connection and what to do; empty when connected.
  std::string diagnosis() const;
  const std::string& protocol_error() const;

  const Waker& waker() const;

 private:
  struct State;
  explicit ClientTransport(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gradmint
