// A worker's end of its connection to a coordinator. One real implementation, over a socket
// (client_transport.h), and one simulated (tests/simulation/). One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/protocol/messages.h"
#include "coordinator/protocol/payload.h"
#include "kernels/base/result.h"

namespace gradmint {

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

class ClientEnd {
 public:
  virtual ~ClientEnd() = default;

  // Waits until something is there, at most timeout_ms (0: not at all, −1: for ever); may return
  // early with nothing. Keep calling it: reconnecting happens here. Anything a coordinator sends
  // that does not decode is dropped and told by protocol_error().
  virtual ClientBatch poll(int timeout_ms) = 0;

  // Never blocks. The request id (never 0), to find the answer by. Errors: io when there is no
  // connection (message: diagnosis()) or the queue is full; bad_input when it is over a limit, by
  // name.
  virtual Result<std::uint64_t> send(const Message& message, Payload payload = {}) = 0;

  virtual LinkState link() const = 0;
  // How many times the connection has come up. When it changes, say Hello and resume transfers.
  virtual std::uint64_t connections() const = 0;
  // One line on why there is no connection and what to do; empty when connected.
  virtual std::string diagnosis() const = 0;
  virtual const std::string& protocol_error() const = 0;
};

}  // namespace gradmint
