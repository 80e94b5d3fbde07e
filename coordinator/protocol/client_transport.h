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

#include "coordinator/protocol/client_end.h"
#include "coordinator/protocol/curve.h"
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

class ClientTransport final : public ClientEnd {
 public:
  static Result<std::unique_ptr<ClientTransport>> connect(const ClientOptions& options);
  ~ClientTransport() override;
  ClientTransport(const ClientTransport&) = delete;
  ClientTransport& operator=(const ClientTransport&) = delete;

  // Pings happen in poll, too. That a coordinator is full is told by link() and diagnosis(), not by
  // a message.
  ClientBatch poll(int timeout_ms) override;
  Result<std::uint64_t> send(const Message& message, Payload payload = {}) override;

  // Sends and waits for the answer with this request's id; what else arrives is kept for the next
  // poll. Sent again after a reconnect. A Refusal comes back as Error{refused, "name: detail"}; no
  // answer in timeout_ms as Error{io, …} with the diagnosis.
  Result<ClientInbound> request(const Message& message, int timeout_ms, Payload payload = {});

  LinkState link() const override;
  std::uint64_t connections() const override;
  std::string diagnosis() const override;
  const std::string& protocol_error() const override;

  const Waker& waker() const;

 private:
  struct State;
  explicit ClientTransport(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gradmint
