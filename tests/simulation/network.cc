#include "tests/simulation/network.h"

#include <algorithm>

#include "coordinator/protocol/request_check.h"
#include "kernels/base/check.h"

namespace gradmint::simulation {
namespace {

constexpr std::uint64_t kDialMs = 20, kRedialMs = 400, kFarewellMs = 50;
constexpr std::uint64_t kUsualDelayMs = 15, kLongDelayMs = 8000;

std::string id_of(std::uint64_t connection) { return "c" + std::to_string(connection); }

}  // namespace

SimulatedServer::SimulatedServer(Network& network, std::function<void()> wake)
    : network_(network), wake_(std::move(wake)) {
  GRADMINT_CHECK(network_.server_ == nullptr);
  network_.server_ = this;
}

SimulatedServer::~SimulatedServer() {
  network_.server_ = nullptr;
  network_.close_all(LinkState::lost);
}

ServerBatch SimulatedServer::poll(int) {
  ServerBatch batch;
  while (!inbox_.empty() && batch.inbound.size() < kMaxInboundPerPoll) {
    batch.inbound.push_back(std::move(inbox_.front()));
    inbox_.pop_front();
  }
  if (!inbox_.empty()) wake_();
  return batch;
}

SendOutcome SimulatedServer::send(const Peer& peer, const Message& message,
                                  std::uint64_t request_id, Payload payload) {
  if (peer.entrance == kAtAdmin) {
    if (const auto* answer = std::get_if<AdminReply>(&message)) told_owner_ = answer->json;
    return SendOutcome::sent;
  }
  const std::uint64_t number = std::strtoull(peer.routing_id.c_str() + 1, nullptr, 10);
  if (!network_.connections_.contains(number)) return SendOutcome::unreachable;
  const Result<Bytes> encoded = encode_message(message, request_id);
  if (!encoded || payload.size() > kMaxPayloadBytes) return SendOutcome::too_large;
  network_.carry(number, false, {*encoded, std::move(payload), kind_of(message).has_payload});
  return SendOutcome::sent;
}

void SimulatedServer::admit(const Hash& curve_key, const AccountId& account) {
  admitted_[curve_key] = account;
}

void SimulatedServer::revoke(const Hash& curve_key) {
  admitted_.erase(curve_key);
  for (const auto& [number, connection] : network_.connections_) {
    if (connection.entrance != kAtWork || connection.curve_key != curve_key) continue;
    network_.agenda_.after(kFarewellMs, [&network = network_, gone = number] {
      network.close(gone, LinkState::lost);
    });
  }
}

std::vector<AccountId> SimulatedServer::connected() const {
  std::vector<AccountId> accounts;
  for (const auto& [number, connection] : network_.connections_) {
    const auto account = admitted_.find(connection.curve_key);
    if (connection.entrance == kAtWork && connection.heard && account != admitted_.end())
      accounts.push_back(account->second);
  }
  return accounts;
}

void SimulatedServer::ask_as_owner(const std::string& json) {
  Inbound inbound;
  inbound.peer = {kAtAdmin, "owner"};
  inbound.address = "admin";
  inbound.request_id = 1;
  inbound.message = AdminRequest{json};
  inbox_.push_back(std::move(inbound));
  wake_();
}

SimulatedClient::SimulatedClient(Network& network, const ClientOptions& options,
                                 std::function<void()> wake, Tamper tamper)
    : network_(network),
      at_work_(options.endpoint.ends_with("7701")),
      curve_key_(options.key.public_key),
      wake_(std::move(wake)),
      tamper_(std::move(tamper)),
      number_(++network.numbers_) {
  network_.clients_[number_] = this;
  network_.dial(*this);
}

SimulatedClient::~SimulatedClient() {
  network_.clients_.erase(number_);
  network_.connections_.erase(connection_);
}

void SimulatedClient::enter(LinkState state) {
  state_ = state;
  link_changed_ = true;
  if (state == LinkState::connected) ++connections_;
  wake_();
}

std::string SimulatedClient::diagnosis() const {
  switch (state_) {
    case LinkState::connected:
      return "";
    case LinkState::key_refused:
      return "the coordinator does not admit this key";
    default:
      return "nobody answers";
  }
}

ClientBatch SimulatedClient::poll(int) {
  ClientBatch batch;
  batch.link_changed = std::exchange(link_changed_, false);
  batch.inbound.assign(std::make_move_iterator(inbox_.begin()),
                       std::make_move_iterator(inbox_.end()));
  inbox_.clear();
  return batch;
}

Result<std::uint64_t> SimulatedClient::send(const Message& message, Payload payload) {
  if (state_ != LinkState::connected) return Error{ErrorCode::io, diagnosis()};
  Message sent = message;
  if (tamper_ && !tamper_(sent, payload)) return ++requests_;
  const Result<Bytes> encoded = encode_message(sent, ++requests_);
  if (!encoded) return encoded.error();
  network_.carry(connection_, true, {*encoded, std::move(payload), kind_of(sent).has_payload});
  return requests_;
}

void Network::dial(SimulatedClient& client) {
  agenda_.after(kDialMs + delays_.below(kDialMs), [this, number = client.number_] {
    const auto found = clients_.find(number);
    if (found == clients_.end() || found->second->connection_ != 0) return;
    SimulatedClient& calling = *found->second;
    const bool admitted =
        server_ != nullptr && (!calling.at_work_ || server_->is_admitted(calling.curve_key_));
    if (!admitted) {
      const LinkState why = server_ == nullptr ? LinkState::unreachable : LinkState::key_refused;
      if (calling.state_ != why) calling.enter(why);
      agenda_.after(kRedialMs, [this, number] {
        if (const auto again = clients_.find(number); again != clients_.end()) dial(*again->second);
      });
      return;
    }
    calling.connection_ = ++numbers_;
    Connection& made = connections_[calling.connection_];
    made.client = &calling;
    made.entrance = calling.at_work_ ? kAtWork : kAtJoin;
    made.curve_key = calling.curve_key_;
    calling.enter(LinkState::connected);
  });
}

void Network::close(std::uint64_t connection, LinkState why) {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  SimulatedClient& client = *found->second.client;
  connections_.erase(found);
  client.connection_ = 0;
  client.inbox_.clear();
  client.enter(why);
  dial(client);
}

void Network::close_all(LinkState why) {
  while (!connections_.empty()) close(connections_.begin()->first, why);
}

void Network::carry(std::uint64_t number, bool up, Frames frames) {
  if (chance_.happens(Fault::disconnect)) return close(number, LinkState::lost);
  if (chance_.happens(Fault::drop)) return;
  if (chance_.happens(Fault::cut)) {
    Seeded how = chance_.details(Fault::cut);
    if (frames.has_payload && how.below(2) == 0) {
      frames.payload =
          Payload::share(frames.payload.owner(),
                         frames.payload.view().first(how.below(frames.payload.size() + 1)));
    } else {
      frames.header.resize(how.below(frames.header.size()));
    }
  }
  Connection& connection = connections_.at(number);
  const auto deliver = [this, number, up, frames] {
    if (!connections_.contains(number)) return;
    ++delivered_;
    up ? arrive_up(number, frames) : arrive_down(number, frames);
  };
  // One that is late is overtaken; the others keep their order.
  if (chance_.happens(Fault::delay)) {
    agenda_.after(1 + chance_.details(Fault::delay).below(kLongDelayMs), deliver);
  } else {
    std::uint64_t& last_ms = up ? connection.last_up_ms : connection.last_down_ms;
    last_ms = std::max(last_ms, agenda_.now_ms() + 1 + delays_.below(kUsualDelayMs));
    agenda_.after(last_ms - agenda_.now_ms(), deliver);
  }
  if (chance_.happens(Fault::repeat))
    agenda_.after(1 + chance_.details(Fault::repeat).below(kLongDelayMs), deliver);
}

void Network::arrive_up(std::uint64_t number, const Frames& frames) {
  if (server_ == nullptr) return;
  Connection& connection = connections_.at(number);
  connection.heard = true;
  Inbound inbound;
  inbound.peer = {connection.entrance, id_of(number)};
  inbound.curve_key = connection.curve_key;
  inbound.address = "sim:" + std::to_string(number);
  DecodedMessage decoded = decode_message(frames.header);
  inbound.request_id = decoded.request_id;
  std::optional<Refusal> refusal = check_request(decoded, connection.entrance,
                                                 frames.has_payload ? 1 : 0, frames.payload.size());
  if (connection.entrance == kAtWork) {
    const auto account = server_->admitted_.find(connection.curve_key);
    if (account == server_->admitted_.end()) {
      refusal = refuse(RefusalCode::not_a_member, "this key is no longer admitted");
    } else {
      inbound.account = account->second;
    }
  }
  if (refusal) {
    static_cast<void>(server_->send(inbound.peer, *refusal, inbound.request_id, {}));
    return;
  }
  inbound.message = std::move(decoded.message);
  inbound.payload = frames.payload;
  server_->inbox_.push_back(std::move(inbound));
  server_->wake_();
}

void Network::arrive_down(std::uint64_t number, const Frames& frames) {
  SimulatedClient& client = *connections_.at(number).client;
  DecodedMessage decoded = decode_message(frames.header);
  if (!decoded.ok() || kind_of(decoded.message).has_payload != frames.has_payload) {
    client.protocol_error_ = "a message that does not decode";
    return;
  }
  if (const auto* result = std::get_if<TransactionResult>(&decoded.message); result && on_told)
    on_told(*result);
  client.inbox_.push_back({decoded.request_id, std::move(decoded.message), frames.payload});
  client.wake_();
}

}  // namespace gradmint::simulation
