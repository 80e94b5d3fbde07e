// Peers that do not use our client: raw libzmq and raw TCP, saying whatever they like. Each is
// refused or cut off by name, and a well-behaved worker on the same coordinator notices nothing.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>

#include "coordinator/protocol/endpoint.h"
#include "coordinator/protocol/zmq_handles.h"
#include "ledger/codec.h"
#include "tests/coordinator/protocol_peers.h"
#include "tests/coordinator/protocol_samples.h"

using namespace gradmint;

namespace {

// A coordinator with one good worker and one account for the enemy, whose key is admitted too.
struct World {
  CurveKeyPair key = new_curve_key_pair();
  CurveKeyPair good_key = new_curve_key_pair();
  CurveKeyPair bad_key = new_curve_key_pair();
  std::unique_ptr<ServerTransport> server;
  std::unique_ptr<ClientTransport> good;
  Party party{nullptr};
  ZmqContext context;  // the enemy's own

  explicit World(ServerOptions options = {}) {
    const ServerOptions base = loopback_options(key);
    options.key = base.key;
    options.join_endpoint = base.join_endpoint;
    options.work_endpoint = base.work_endpoint;
    options.linger_ms = base.linger_ms;
    server = bound(options);
    server->admit(good_key.public_key, hash_filled(1));
    server->admit(bad_key.public_key, hash_filled(2));
    good = connected(client_options(server->work_endpoint(), key.public_key, good_key));
    party.replace_server(server.get());
    party.add(good.get());
    party.on_inbound = [this](const Inbound& inbound) {
      if (std::holds_alternative<Ping>(inbound.message)) server->reply(inbound, Pong{});
    };
    check_good_worker();
  }

  // The good worker's link is the first one, still up, and answered.
  void check_good_worker() {
    const std::size_t before = party.received(0).size();
    REQUIRE(party.pump([&] { return good->send(Ping{}).ok(); }));
    REQUIRE(party.pump([&] { return party.received(0).size() > before; }));
    CHECK(good->connections() == 1);
  }

  ZmqSocket raw_dealer(const std::string& endpoint) {
    ZmqSocket dealer(context, ZMQ_DEALER);
    dealer.set(ZMQ_LINGER, 0);
    dealer.set(ZMQ_SNDHWM, 0);
    dealer.set_curve_client(bad_key, key.public_key);
    REQUIRE(zmq_connect(dealer.get(), endpoint.c_str()) == 0);
    return dealer;
  }

  // What the coordinator answers to these frames; reads until one comes.
  Refusal refusal_of(const ZmqSocket& dealer, const std::vector<Bytes>& frames) {
    send_frames(dealer, frames);
    std::optional<ReceivedFrames> answer;
    REQUIRE(party.pump([&] {
      answer = receive_frames(dealer, 2);
      return answer.has_value();
    }));
    const DecodedMessage decoded = decode_message(answer->frames[0]->view());
    REQUIRE(decoded.ok());
    REQUIRE(std::holds_alternative<Refusal>(decoded.message));
    return std::get<Refusal>(decoded.message);
  }

  static void send_frames(const ZmqSocket& dealer, const std::vector<Bytes>& frames) {
    for (std::size_t i = 0; i < frames.size(); ++i) {
      REQUIRE(zmq_send(dealer.get(), frames[i].data(), frames[i].size(),
                       i + 1 < frames.size() ? ZMQ_SNDMORE : 0) >= 0);
    }
  }
};

Bytes frame_of(const Message& message) { return encode_message(message, 5).value(); }

int connect_tcp(const std::string& endpoint) {
  const TcpEndpoint parsed = parse_tcp_endpoint(endpoint).value();
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  REQUIRE(fd >= 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(parsed.port);
  REQUIRE(inet_pton(AF_INET, parsed.host.c_str(), &address.sin_addr) == 1);
  REQUIRE(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

// True once the other side has closed; reads and forgets what it said before.
bool closed_by_peer(int fd) {
  char buffer[4096];
  for (;;) {
    const ssize_t got = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got == 0) return true;
    if (got < 0) return errno != EAGAIN && errno != EINTR;
  }
}

}  // namespace

TEST_CASE("malformed, foreign, misplaced and oversized messages are refused by name") {
  World world;
  const ZmqSocket work = world.raw_dealer(world.server->work_endpoint());
  const ZmqSocket join = world.raw_dealer(world.server->join_endpoint());
  Bytes other_version = frame_of(Hello{});
  ++other_version[0];
  Bytes unknown = frame_of(Ping{});
  unknown[2] = 200;
  Bytes truncated = frame_of(Hello{});
  truncated.resize(20);
  struct Row {
    const ZmqSocket* to;
    std::vector<Bytes> frames;
    RefusalCode expected;
  };
  const Row rows[] = {
      {&work, {other_version}, RefusalCode::wrong_version},
      {&join, {other_version}, RefusalCode::wrong_version},
      {&work, {unknown}, RefusalCode::unknown_message},
      {&work, {truncated}, RefusalCode::malformed},
      {&work, {Bytes{}}, RefusalCode::malformed},
      {&work, {Bytes{1, 2, 3}}, RefusalCode::malformed},
      {&work, {frame_of(Ping{}), Bytes{1}}, RefusalCode::malformed},
      {&work, {frame_of(UpdateChunk{})}, RefusalCode::malformed},
      {&work, {frame_of(UpdateChunk{}), Bytes{1}, Bytes{2}}, RefusalCode::malformed},
      {&work, std::vector<Bytes>(300, frame_of(Ping{})), RefusalCode::malformed},
      {&work, {Bytes(kMaxRequestFrameBytes + 1)}, RefusalCode::oversized},
      {&join, {Bytes(kMaxRequestFrameBytes + 1)}, RefusalCode::oversized},
      {&join, {frame_of(UpdateChunk{}), Bytes{1}}, RefusalCode::not_accepted_here},
      {&join, {frame_of(GetRound{})}, RefusalCode::not_accepted_here},
      {&work, {frame_of(Register{})}, RefusalCode::not_accepted_here},
      {&work, {frame_of(AdminRequest{"{}"})}, RefusalCode::not_accepted_here},
      {&work, {frame_of(Pong{})}, RefusalCode::not_accepted_here},
  };
  for (const Row& row : rows) {
    const Refusal refusal = world.refusal_of(*row.to, row.frames);
    CHECK_MESSAGE(refusal.code == row.expected, refusal.detail);
  }
  for (const Inbound& inbound : world.party.inbound()) CHECK(inbound.account == hash_filled(1));
  world.check_good_worker();
}

TEST_CASE("a frame over the wire's limit closes its connection alone") {
  World world;
  const ZmqSocket dealer(world.context, ZMQ_DEALER);
  dealer.set(ZMQ_LINGER, 0);
  dealer.set_curve_client(world.bad_key, world.key.public_key);
  ZmqSocket monitor = start_monitor(world.context, dealer, ZMQ_EVENT_DISCONNECTED);
  REQUIRE(zmq_connect(dealer.get(), world.server->work_endpoint().c_str()) == 0);
  World::send_frames(dealer, {frame_of(UpdateChunk{}), Bytes(5 * kMiB)});
  REQUIRE(world.party.pump([&] { return next_event(monitor).has_value(); }));
  stop_monitor(dealer);
  for (const Inbound& inbound : world.party.inbound()) CHECK(inbound.account == hash_filled(1));
  world.check_good_worker();
}

TEST_CASE("random bytes inside an authenticated connection") {
  World world;
  const ZmqSocket dealer = world.raw_dealer(world.server->work_endpoint());
  World::send_frames(dealer, {frame_of(Ping{})});  // before its first message it may send little
  REQUIRE(world.party.pump([&] { return receive_frames(dealer, 2).has_value(); }));
  std::mt19937_64 random(7);
  std::size_t answers = 0;
  for (int i = 0; i < 400; ++i) {
    Bytes frame = frame_of(sample_messages()[random() % sample_messages().size()]);
    for (int k = 0; k < 3; ++k)
      frame[random() % frame.size()] ^= static_cast<std::uint8_t>(random());
    World::send_frames(dealer, {frame});
    int turns = 0;  // one for the server each time: answers that nobody reads are dropped
    REQUIRE(world.party.pump([&] {
      while (receive_frames(dealer, 2)) ++answers;
      return turns++ > 0;
    }));
  }
  REQUIRE(world.party.pump([&] {
    while (receive_frames(dealer, 2)) ++answers;
    return answers > 200;
  }));
  world.check_good_worker();
}

TEST_CASE("who only opens connections is cut off") {
  ServerOptions options;
  options.max_pending_per_address = 3;
  options.handshake_timeout_ms = 200;
  World world(options);
  std::vector<int> fds;
  for (int i = 0; i < 8; ++i) fds.push_back(connect_tcp(world.server->work_endpoint()));
  // Above the limit at once, below it when the handshake takes too long.
  REQUIRE(world.party.pump([&] {
    bool all = true;
    for (const int fd : fds) all = closed_by_peer(fd) && all;
    return all;
  }));
  CHECK(world.party.has_event(TransportEventKind::peer_cut_off));
  for (const int fd : fds) close(fd);
  world.check_good_worker();
}

TEST_CASE("who does not speak the protocol at all is disconnected and named") {
  World world;
  std::mt19937_64 random(3);
  for (const std::string& greeting : {std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
                                      std::string(200, '\xff'), std::string(500, '\0'), [&] {
                                        std::string text(1000, ' ');
                                        for (char& c : text) c = static_cast<char>(random());
                                        return text;
                                      }()}) {
    const int fd = connect_tcp(world.server->join_endpoint());
    REQUIRE(send(fd, greeting.data(), greeting.size(), MSG_NOSIGNAL) > 0);
    shutdown(fd, SHUT_WR);
    REQUIRE(world.party.pump([&] { return closed_by_peer(fd); }));
    close(fd);
  }
  // The monitor's word may come after the connection's end.
  CHECK(world.party.pump(
      [&] { return world.party.has_event(TransportEventKind::handshake_failed); }));
  world.check_good_worker();
}

TEST_CASE("without CURVE nobody enters") {
  World world;
  for (const std::string& endpoint :
       {world.server->join_endpoint(), world.server->work_endpoint()}) {
    ZmqSocket plain(world.context, ZMQ_DEALER);
    plain.set(ZMQ_LINGER, 0);
    ZmqSocket monitor = start_monitor(world.context, plain, ZMQ_EVENT_DISCONNECTED);
    REQUIRE(zmq_connect(plain.get(), endpoint.c_str()) == 0);
    World::send_frames(plain, {frame_of(Ping{})});
    REQUIRE(world.party.pump([&] { return next_event(monitor).has_value(); }));
    stop_monitor(plain);
  }
  for (const Inbound& inbound : world.party.inbound()) CHECK(inbound.account == hash_filled(1));
  world.check_good_worker();
}

TEST_CASE("who asks too often is told to slow down") {
  ServerOptions options;
  options.work_rate = {1, 30};
  World world(options);
  const ZmqSocket dealer = world.raw_dealer(world.server->work_endpoint());
  std::size_t slow_down = 0;
  REQUIRE(world.party.pump([&] {
    World::send_frames(dealer, {frame_of(Progress{})});
    while (const auto answer = receive_frames(dealer, 2)) {
      const DecodedMessage decoded = decode_message(answer->frames[0]->view());
      const auto* refusal = std::get_if<Refusal>(&decoded.message);
      slow_down += refusal != nullptr && refusal->code == RefusalCode::rate_limited ? 1 : 0;
    }
    return slow_down > 5;
  }));
  world.check_good_worker();  // limits are each account's own
}

TEST_CASE("another peer's routing id cannot be taken over") {
  World world;
  const std::string id = world.party.inbound()[0].peer.routing_id;
  ZmqSocket thief(world.context, ZMQ_DEALER);
  thief.set(ZMQ_LINGER, 0);
  thief.set(ZMQ_ROUTING_ID, std::string_view(id));
  thief.set_curve_client(world.bad_key, world.key.public_key);
  REQUIRE(zmq_connect(thief.get(), world.server->work_endpoint().c_str()) == 0);
  World::send_frames(thief, {frame_of(Ping{})});
  for (int i = 0; i < 3; ++i) world.check_good_worker();  // answers still reach their owner
  CHECK_FALSE(receive_frames(thief, 2).has_value());
  thief.close();
  // Nor may it choose any other: libzmq aborts when it gives a name that is taken.
  ZmqSocket named(world.context, ZMQ_DEALER);
  named.set(ZMQ_LINGER, 0);
  named.set(ZMQ_ROUTING_ID, std::string_view("goodworker"));
  named.set_curve_client(world.bad_key, world.key.public_key);
  ZmqSocket monitor = start_monitor(world.context, named, ZMQ_EVENT_DISCONNECTED);
  REQUIRE(zmq_connect(named.get(), world.server->work_endpoint().c_str()) == 0);
  World::send_frames(named, {frame_of(Progress{})});
  REQUIRE(world.party.pump([&] { return next_event(monitor).has_value(); }));
  stop_monitor(named);
  CHECK(world.party.has_event(TransportEventKind::peer_cut_off));
  for (const Inbound& inbound : world.party.inbound()) CHECK(inbound.account == hash_filled(1));
  world.check_good_worker();
}

TEST_CASE("who connects over and over is turned away for a while") {
  ServerOptions options;
  options.join_handshakes = {5, 3};
  options.handshake_timeout_ms = 200;
  World world(options);
  std::vector<ZmqSocket> dealers;
  for (int i = 0; i < 6; ++i) {
    dealers.push_back(world.raw_dealer(world.server->join_endpoint()));
    World::send_frames(dealers.back(), {frame_of(Hello{})});
  }
  REQUIRE(
      world.party.pump([&] { return world.party.has_event(TransportEventKind::peer_cut_off); }));
  world.check_good_worker();  // another key, another entrance
  // Patience is enough: each comes in as its turn comes.
  REQUIRE(world.party.pump([&] {
    std::size_t hellos = 0;
    for (const Inbound& inbound : world.party.inbound()) {
      hellos += std::holds_alternative<Hello>(inbound.message) ? 1 : 0;
    }
    return hellos >= 4;
  }));
}
