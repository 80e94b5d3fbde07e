// Real sockets on loopback: who gets in, what comes through, and what a client is told when it does
// not.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <thread>

#include "tests/coordinator/protocol_peers.h"
#include "tests/coordinator/protocol_samples.h"

using namespace gradmint;

namespace {

const CurveKeyPair& server_key() {
  static const CurveKeyPair key = new_curve_key_pair();
  return key;
}

Bytes pattern(std::size_t size, std::uint8_t seed) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::uint8_t>(seed + i * 31 + i / 977);
  return bytes;
}

}  // namespace

TEST_CASE("a registered worker is known by its key, a stranger is refused by name at work") {
  const auto server = bound(loopback_options(server_key()));
  const CurveKeyPair member = new_curve_key_pair();
  const CurveKeyPair stranger = new_curve_key_pair();
  server->admit(member.public_key, hash_filled(7));
  const auto worker =
      connected(client_options(server->work_endpoint(), server_key().public_key, member));
  const auto outsider =
      connected(client_options(server->work_endpoint(), server_key().public_key, stranger));
  Party party(server.get());
  party.add(worker.get());
  const std::size_t out = party.add(outsider.get());
  party.on_inbound = [&](const Inbound& inbound) {
    CHECK(server->reply(inbound, Pong{}) == SendOutcome::sent);
  };
  REQUIRE(party.pump([&] { return worker->send(Ping{}).ok(); }));
  REQUIRE(party.pump([&] { return party.received(0).size() == 1; }));
  CHECK(std::holds_alternative<Pong>(party.received(0)[0].message));
  REQUIRE(party.inbound().size() == 1);
  CHECK(party.inbound()[0].account == hash_filled(7));
  CHECK(party.inbound()[0].curve_key == member.public_key);
  CHECK(party.inbound()[0].address == "127.0.0.1");

  REQUIRE(party.pump([&] {
    return outsider->link() == LinkState::key_refused &&
           party.has_event(TransportEventKind::stranger_refused);
  }));
  CHECK(outsider->diagnosis() == "coordinator at " + server->work_endpoint() +
                                     " refused this worker's key: register first with `gradmint "
                                     "worker join`");
  const Result<std::uint64_t> sent = outsider->send(Ping{});
  REQUIRE_FALSE(sent.ok());
  CHECK(sent.error().message == outsider->diagnosis());

  // Admitted while it keeps knocking, it comes in by itself.
  server->admit(stranger.public_key, hash_filled(8));
  REQUIRE(party.pump([&] { return outsider->send(Ping{}).ok(); }));
  REQUIRE(party.pump([&] { return party.received(out).size() == 1; }));
  CHECK(party.inbound().back().account == hash_filled(8));

  // Revoked, its open connection is refused what it asks, and closed.
  server->revoke(stranger.public_key);
  REQUIRE(outsider->send(Ping{}).ok());
  REQUIRE(party.pump([&] { return party.received(out).size() == 2; }));
  CHECK(std::get<Refusal>(party.received(out)[1].message).code == RefusalCode::not_a_member);
  REQUIRE(party.pump([&] { return outsider->link() == LinkState::key_refused; }));
}

TEST_CASE("anyone may join, and only say there what belongs there") {
  const auto server = bound(loopback_options(server_key()));
  const auto client = connected(
      client_options(server->join_endpoint(), server_key().public_key, new_curve_key_pair()));
  Party party(server.get());
  party.add(client.get());
  REQUIRE(party.pump([&] { return client->send(Hello{Hash{}, "test"}).ok(); }));
  REQUIRE(client->send(GetRound{}).ok());
  REQUIRE(client->send(Welcome{}).ok());  // only a coordinator sends this
  REQUIRE(party.pump([&] { return party.inbound().size() == 1 && party.received(0).size() == 2; }));
  CHECK(party.inbound()[0].account.is_zero());
  for (const ClientInbound& answer : party.received(0)) {
    CHECK(std::get<Refusal>(answer.message).code == RefusalCode::not_accepted_here);
  }
  CHECK(party.received(0)[0].request_id == 2);
  CHECK(party.has_event(TransportEventKind::message_refused));
}

TEST_CASE("another key than the coordinator's is told apart from nobody being there") {
  const auto server = bound(loopback_options(server_key()));
  const auto deceived = connected(client_options(
      server->join_endpoint(), new_curve_key_pair().public_key, new_curve_key_pair()));
  Party party(server.get());
  party.add(deceived.get());
  REQUIRE(party.pump([&] {
    return deceived->link() == LinkState::handshake_broken &&
           party.has_event(TransportEventKind::handshake_failed);
  }));
  CHECK(deceived->diagnosis().find("it is not the coordinator this invitation names") !=
        std::string::npos);

  std::string free_endpoint;
  {
    const auto gone = bound(loopback_options(server_key()));
    free_endpoint = gone->join_endpoint();
  }
  const auto alone =
      connected(client_options(free_endpoint, server_key().public_key, new_curve_key_pair()));
  const Result<ClientInbound> answer = alone->request(Ping{}, 300);
  REQUIRE_FALSE(answer.ok());
  CHECK(alone->link() == LinkState::unreachable);
  CHECK(answer.error().message.find("cannot be reached") != std::string::npos);
}

TEST_CASE("request waits for its own answer and keeps the rest") {
  const auto server = bound(loopback_options(server_key()));
  const CurveKeyPair member = new_curve_key_pair();
  server->admit(member.public_key, hash_filled(1));
  std::atomic<bool> done{false};
  std::thread coordinator([&] {
    while (!done) {
      for (const Inbound& inbound : server->poll(20).inbound) {
        if (std::holds_alternative<GetAccount>(inbound.message)) {
          server->send(inbound.peer, Notice{NoticeKind::resumed, 1, "first"}, 0);
          AccountState state;
          state.balance = 5;
          server->reply(inbound, state);
        } else if (std::holds_alternative<GetBlob>(inbound.message)) {
          server->reply(inbound, refuse(RefusalCode::not_found, "no blob of that root"));
        }
      }
    }
  });
  const auto client =
      connected(client_options(server->work_endpoint(), server_key().public_key, member));
  const Result<ClientInbound> answer = client->request(GetAccount{hash_filled(2)}, kPatienceMs);
  const Result<ClientInbound> refused = client->request(GetBlob{{}, 0, 1}, kPatienceMs);
  const Result<ClientInbound> unanswered = client->request(Progress{}, 50);
  const Result<ClientInbound> too_large =
      client->request(SubmitTransaction{Bytes(kMaxTransactionBytes + 1)}, kPatienceMs);
  done = true;
  server->waker().wake();
  coordinator.join();
  REQUIRE(answer.ok());
  CHECK(std::get<AccountState>(answer.value().message).balance == 5);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::refused);
  CHECK(refused.error().message == "not_found: no blob of that root");
  REQUIRE_FALSE(unanswered.ok());
  CHECK(unanswered.error().message ==
        "coordinator at " + server->work_endpoint() + " did not answer a Progress within 50 ms");
  REQUIRE_FALSE(too_large.ok());
  CHECK(too_large.error().code == ErrorCode::bad_input);
  const ClientBatch kept = client->poll(0);
  REQUIRE(kept.inbound.size() == 1);
  CHECK(std::get<Notice>(kept.inbound[0].message).text == "first");
}

TEST_CASE("payloads of every size up to the limit come through unchanged, both ways") {
  const auto server = bound(loopback_options(server_key()));
  const CurveKeyPair member = new_curve_key_pair();
  server->admit(member.public_key, hash_filled(1));
  const auto worker =
      connected(client_options(server->work_endpoint(), server_key().public_key, member));
  Party party(server.get());
  party.add(worker.get());
  party.on_inbound = [&](const Inbound& inbound) {
    CHECK(server->reply(inbound, BlobChunk{hash_filled(9), 0, inbound.payload.size()},
                        inbound.payload) == SendOutcome::sent);
  };
  REQUIRE(party.pump([&] { return worker->link() == LinkState::connected; }));
  std::size_t answers = 0;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{4096}, kMinChunkBytes, kMaxPayloadBytes}) {
    const Bytes bytes = pattern(size, 3);
    REQUIRE(party.pump([&] {
      return worker->send(UpdateChunk{hash_filled(9), 0}, Payload::of(bytes)).ok();
    }));
    ++answers;
    REQUIRE(party.pump([&] { return party.received(0).size() == answers; }));
    const ByteView back = party.received(0).back().payload.view();
    CHECK(Bytes(back.begin(), back.end()) == bytes);
  }
  const Result<std::uint64_t> over =
      worker->send(UpdateChunk{hash_filled(9), 0}, Payload::of(Bytes(kMaxPayloadBytes + 1)));
  REQUIRE_FALSE(over.ok());
  CHECK(over.error().message ==
        "UpdateChunk: a payload of 4194305 bytes is larger than the 4194304 a message may carry");
  CHECK(worker->link() == LinkState::connected);  // nothing was sent, nothing was lost
}

TEST_CASE("a worker reconnects by itself when the coordinator comes back on its port") {
  ServerOptions options = loopback_options(server_key());
  auto server = bound(options);
  options.join_endpoint = server->join_endpoint();
  options.work_endpoint = server->work_endpoint();
  const CurveKeyPair member = new_curve_key_pair();
  server->admit(member.public_key, hash_filled(1));
  const auto worker =
      connected(client_options(server->work_endpoint(), server_key().public_key, member));
  Party party(server.get());
  party.add(worker.get());
  REQUIRE(party.pump([&] { return worker->connections() == 1; }));
  party.replace_server(nullptr);
  server.reset();
  REQUIRE(party.pump([&] { return worker->link() != LinkState::connected; }));
  // Not queued for a connection that is not there, once libzmq has seen that it is not.
  REQUIRE(party.pump([&] { return !worker->send(Ping{}).ok(); }));
  REQUIRE(party.pump([&] {
    Result<std::unique_ptr<ServerTransport>> again = ServerTransport::bind(options);
    if (again) server = std::move(again).value();
    return server != nullptr;
  }));
  server->admit(member.public_key, hash_filled(1));
  party.replace_server(server.get());
  REQUIRE(party.pump([&] { return worker->connections() == 2; }));
  REQUIRE(party.pump([&] { return worker->send(Ping{}).ok(); }));
  REQUIRE(party.pump([&] { return !party.inbound().empty(); }));
}

TEST_CASE("addresses that cannot be bound say why") {
  const auto first = bound(loopback_options(server_key()));
  const auto error_of = [](const ServerOptions& options) {
    const Result<std::unique_ptr<ServerTransport>> server = ServerTransport::bind(options);
    REQUIRE_FALSE(server.ok());
    return server.error();
  };
  ServerOptions options = loopback_options(server_key());
  options.work_endpoint = first->join_endpoint();
  const std::string port = first->join_endpoint().substr(first->join_endpoint().rfind(':') + 1);
  const Error busy = error_of(options);
  CHECK(busy.code == ErrorCode::busy);
  CHECK(busy.message == "port " + port +
                            " on 127.0.0.1 is already in use: stop the program that has it, or "
                            "configure another port");
  options.work_endpoint = "tcp://192.0.2.1:7701";  // of no machine (RFC 5737)
  CHECK(error_of(options).message ==
        "port 7701 on 192.0.2.1 cannot be bound: the host is not an address of this machine");
  options.work_endpoint = "7701";
  CHECK(error_of(options).message ==
        "address \"7701\" does not begin with tcp://: write it as tcp://HOST:PORT");
  options = loopback_options(server_key());
  options.admin_socket = "/tmp/" + std::string(200, 'x');
  CHECK(error_of(options).message.find("use a shorter home directory") != std::string::npos);
}

TEST_CASE("the owner speaks over ipc, and to nobody else's entrance") {
  char directory[] = "/tmp/gradmint-admin-XXXXXX";
  REQUIRE(mkdtemp(directory) != nullptr);
  ServerOptions options = loopback_options(server_key());
  options.admin_socket = std::string(directory) + "/admin.sock";
  {
    const auto server = bound(options);
    ClientOptions owner_options;
    owner_options.endpoint = "ipc://" + options.admin_socket;
    const auto owner = connected(owner_options);
    Party party(server.get());
    party.add(owner.get());
    party.on_inbound = [&](const Inbound& inbound) {
      CHECK(inbound.peer.entrance == kAtAdmin);
      server->reply(inbound, AdminReply{std::get<AdminRequest>(inbound.message).json});
    };
    REQUIRE(party.pump([&] { return owner->send(AdminRequest{R"({"do":"status"})"}).ok(); }));
    REQUIRE(owner->send(Ping{}).ok());
    REQUIRE(party.pump([&] { return party.received(0).size() == 2; }));
    for (const ClientInbound& answer : party.received(0)) {
      if (answer.request_id == 1) {
        CHECK(std::get<AdminReply>(answer.message).json == R"({"do":"status"})");
      } else {
        CHECK(std::get<Refusal>(answer.message).code == RefusalCode::not_accepted_here);
      }
    }
    const auto joiner = connected(
        client_options(server->join_endpoint(), server_key().public_key, new_curve_key_pair()));
    const std::size_t j = party.add(joiner.get());
    REQUIRE(party.pump([&] { return joiner->send(AdminRequest{"{}"}).ok(); }));
    REQUIRE(party.pump([&] { return party.received(j).size() == 1; }));
    CHECK(std::get<Refusal>(party.received(j)[0].message).code == RefusalCode::not_accepted_here);
  }
  std::filesystem::remove_all(directory);
}

TEST_CASE("another thread can wake the loop, on either side") {
  const auto server = bound(loopback_options(server_key()));
  std::thread waker([&] { server->waker().wake(); });
  const ServerBatch batch = server->poll(kPatienceMs);
  waker.join();
  CHECK(batch.woken);
  CHECK_FALSE(server->poll(0).woken);
  const auto client = connected(
      client_options(server->join_endpoint(), server_key().public_key, new_curve_key_pair()));
  client->waker().wake();
  bool woken = false;
  for (int i = 0; i < 10 && !woken; ++i) woken = client->poll(kPatienceMs).woken;
  CHECK(woken);
}

TEST_CASE("a peer that does not read costs the others nothing") {
  ServerOptions options = loopback_options(server_key());
  options.heartbeat_interval_ms = 60'000;  // who does not read is not to be taken for who is gone
  const auto server = bound(options);
  const CurveKeyPair slow_key = new_curve_key_pair();
  const CurveKeyPair quick_key = new_curve_key_pair();
  server->admit(slow_key.public_key, hash_filled(1));
  server->admit(quick_key.public_key, hash_filled(2));
  const auto slow =
      connected(client_options(server->work_endpoint(), server_key().public_key, slow_key));
  const auto quick =
      connected(client_options(server->work_endpoint(), server_key().public_key, quick_key));
  std::map<AccountId, Peer> peers;
  {
    Party both(server.get());
    both.add(slow.get());
    both.add(quick.get());
    both.on_inbound = [&](const Inbound& inbound) { peers[inbound.account] = inbound.peer; };
    REQUIRE(both.pump([&] { return slow->send(Ping{}).ok(); }));
    REQUIRE(both.pump([&] { return quick->send(Ping{}).ok(); }));
    REQUIRE(both.pump([&] { return peers.size() == 2; }));
  }
  // From here on `slow` is never polled. What is sent at once fills its queue before the thread
  // behind it has taken much.
  const Payload chunk = Payload::of(pattern(kMinChunkBytes, 5));
  std::size_t queued = 0;
  Party party(server.get());
  party.add(quick.get());
  SendOutcome outcome = SendOutcome::sent;
  while (outcome == SendOutcome::sent && queued < 16U * kSendHighWaterMessages) {
    outcome = server->send(peers[hash_filled(1)], BlobChunk{}, 0, chunk);
    queued += outcome == SendOutcome::sent ? 1 : 0;
  }
  CHECK(outcome == SendOutcome::backpressure);
  // One place may still have the Pong to its Ping.
  CHECK(queued + 1 >= static_cast<std::size_t>(kSendHighWaterMessages));
  for (std::size_t i = 1; i <= 20; ++i) {
    REQUIRE(server->send(peers[hash_filled(2)], BlobChunk{}, 0, chunk) == SendOutcome::sent);
    REQUIRE(party.pump([&] { return party.received(0).size() == i; }));
  }
  CHECK(server->send(Peer{kAtWork, "nobody"}, Pong{}, 0) == SendOutcome::unreachable);
}
