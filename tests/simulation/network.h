// The network between a coordinator and its workers. Messages are the real ones, encoded and
// decoded by the real codec, and checked as at a real entrance; what may happen to them on the way
// is the seed's. A connection ends when either side's process ends, and what was under way with it.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "coordinator/protocol/client_transport.h"
#include "coordinator/protocol/server_transport.h"
#include "tests/simulation/agenda.h"
#include "tests/simulation/chance.h"

namespace gradmint::simulation {

class Network;

class SimulatedServer final : public ServerEnd {
 public:
  SimulatedServer(Network& network, std::function<void()> wake);
  ~SimulatedServer() override;

  const std::string& join_endpoint() const override { return join_; }
  const std::string& work_endpoint() const override { return work_; }
  ServerBatch poll(int timeout_ms) override;
  void wake() override { wake_(); }
  SendOutcome send(const Peer& peer, const Message& message, std::uint64_t request_id,
                   Payload payload) override;
  void admit(const Hash& curve_key, const AccountId& account) override;
  void revoke(const Hash& curve_key) override;
  bool is_admitted(const Hash& curve_key) const override { return admitted_.contains(curve_key); }
  std::vector<AccountId> connected() const override;

  // Of the home's owner.
  void ask_as_owner(const std::string& json);
  const std::string& told_owner() const { return told_owner_; }  // the newest answer

 private:
  friend class Network;
  Network& network_;
  std::function<void()> wake_;
  std::string join_ = "tcp://coordinator:7700", work_ = "tcp://coordinator:7701";
  std::deque<Inbound> inbox_;
  std::string told_owner_;
  std::map<Hash, AccountId> admitted_;
};

// What a member that does not play by the rules does to what it sends. False: it is not sent.
using Tamper = std::function<bool(Message&, Payload&)>;

class SimulatedClient final : public ClientEnd {
 public:
  SimulatedClient(Network& network, const ClientOptions& options, std::function<void()> wake,
                  Tamper tamper);
  ~SimulatedClient() override;

  ClientBatch poll(int timeout_ms) override;
  Result<std::uint64_t> send(const Message& message, Payload payload) override;
  LinkState link() const override { return state_; }
  std::uint64_t connections() const override { return connections_; }
  std::string diagnosis() const override;
  const std::string& protocol_error() const override { return protocol_error_; }

 private:
  friend class Network;
  void enter(LinkState state);
  Network& network_;
  bool at_work_;
  Hash curve_key_;
  std::function<void()> wake_;
  Tamper tamper_;
  std::uint64_t number_ = 0;      // of this end, for as long as it lives
  std::uint64_t connection_ = 0;  // 0: none
  std::uint64_t connections_ = 0, requests_ = 0;
  LinkState state_ = LinkState::connecting;
  bool link_changed_ = false;
  std::deque<ClientInbound> inbox_;
  std::string protocol_error_;
};

class Network {
 public:
  Network(Agenda& agenda, Chance& chance, std::uint64_t seed)
      : agenda_(agenda), chance_(chance), delays_(seed, 31, 0) {}

  // A result that a worker was told: the oracle looks whether it held.
  std::function<void(const TransactionResult&)> on_told;
  std::uint64_t delivered() const { return delivered_; }

 private:
  friend class SimulatedServer;
  friend class SimulatedClient;
  struct Connection {
    SimulatedClient* client = nullptr;
    Entrances entrance = kAtJoin;
    Hash curve_key;
    bool heard = false;
    std::uint64_t last_up_ms = 0, last_down_ms = 0;  // when the newest message arrives
  };
  struct Frames {
    Bytes header;
    Payload payload;
    bool has_payload = false;
  };
  void dial(SimulatedClient& client);
  void close(std::uint64_t connection, LinkState why);
  void close_all(LinkState why);
  // To the server (up) or the client.
  void carry(std::uint64_t connection, bool up, Frames frames);
  void arrive_up(std::uint64_t connection, const Frames& frames);
  void arrive_down(std::uint64_t connection, const Frames& frames);

  Agenda& agenda_;
  Chance& chance_;
  Seeded delays_;
  SimulatedServer* server_ = nullptr;
  std::map<std::uint64_t, Connection> connections_;
  std::map<std::uint64_t, SimulatedClient*> clients_;
  std::uint64_t numbers_ = 0, delivered_ = 0;
};

}  // namespace gradmint::simulation
