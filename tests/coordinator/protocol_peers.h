// A coordinator's sockets and clients of them in one thread, for tests: pump() lets each have a
// turn until something holds. Nothing here sleeps; every wait is a poll with a deadline.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "coordinator/protocol/client_transport.h"
#include "coordinator/protocol/server_transport.h"

namespace gradmint {

inline constexpr int kPatienceMs = 20'000;

inline ServerOptions loopback_options(const CurveKeyPair& key) {
  ServerOptions options;
  options.key = key;
  options.join_endpoint = "tcp://127.0.0.1:0";
  options.work_endpoint = "tcp://127.0.0.1:0";
  options.linger_ms = 100;
  return options;
}

inline std::unique_ptr<ServerTransport> bound(const ServerOptions& options) {
  Result<std::unique_ptr<ServerTransport>> server = ServerTransport::bind(options);
  REQUIRE_MESSAGE(server.ok(), (server.ok() ? std::string{} : server.error().message));
  return std::move(server).value();
}

inline ClientOptions client_options(const std::string& endpoint, const Hash& server_key,
                                    const CurveKeyPair& own) {
  ClientOptions options;
  options.endpoint = endpoint;
  options.server_key = server_key;
  options.key = own;
  options.reconnect_ms = 10;
  options.reconnect_max_ms = 50;
  options.linger_ms = 100;
  return options;
}

inline std::unique_ptr<ClientTransport> connected(const ClientOptions& options) {
  Result<std::unique_ptr<ClientTransport>> client = ClientTransport::connect(options);
  REQUIRE_MESSAGE(client.ok(), (client.ok() ? std::string{} : client.error().message));
  return std::move(client).value();
}

// Collects what a server and its clients receive.
class Party {
 public:
  explicit Party(ServerTransport* server) : server_(server) {}

  std::size_t add(ClientTransport* client) {
    clients_.push_back(client);
    received_.emplace_back();
    return clients_.size() - 1;
  }
  void replace_server(ServerTransport* server) { server_ = server; }

  // Called for each message the server takes.
  std::function<void(const Inbound&)> on_inbound = [](const Inbound&) {};

  bool pump(const std::function<bool()>& holds, int patience_ms = kPatienceMs) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
    while (!holds()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      if (server_ != nullptr) {
        ServerBatch batch = server_->poll(2);
        for (Inbound& inbound : batch.inbound) {
          on_inbound(inbound);
          inbound_.push_back(std::move(inbound));
        }
        events_.insert(events_.end(), batch.events.begin(), batch.events.end());
      }
      for (std::size_t i = 0; i < clients_.size(); ++i) {
        ClientBatch batch = clients_[i]->poll(2);
        for (ClientInbound& inbound : batch.inbound) received_[i].push_back(std::move(inbound));
      }
    }
    return true;
  }

  const std::vector<Inbound>& inbound() const { return inbound_; }
  const std::vector<TransportEvent>& events() const { return events_; }
  const std::vector<ClientInbound>& received(std::size_t client) const { return received_[client]; }
  bool has_event(TransportEventKind kind) const {
    for (const TransportEvent& event : events_) {
      if (event.kind == kind) return true;
    }
    return false;
  }

 private:
  ServerTransport* server_;
  std::vector<ClientTransport*> clients_;
  std::vector<std::vector<ClientInbound>> received_;
  std::vector<Inbound> inbound_;
  std::vector<TransportEvent> events_;
};

}  // namespace gradmint
