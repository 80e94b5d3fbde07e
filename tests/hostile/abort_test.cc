// Moments at which libzmq 4.3.4 would abort: each of these ended the process before it was mended.
#include <doctest/doctest.h>

#include <csignal>
#include <random>

#include "tests/hostile/attacks.h"
#include "tests/hostile/child_server.h"
#include "tests/hostile/raw_peer.h"

using namespace gradmint;
using namespace gradmint::hostile;

namespace {

constexpr int kHeartbeatMs = 200;

struct Stage {
  CurveKeyPair key;
  CurveKeyPair member = new_curve_key_pair();
  ChildServer server;

  Stage() : Stage(options(new_curve_key_pair())) {}
  explicit Stage(const ServerOptions& made) : key(made.key), server(made, member.public_key) {}
  static ServerOptions options(const CurveKeyPair& key) {
    ServerOptions made;
    made.key = key;
    made.heartbeat_interval_ms = kHeartbeatMs;
    made.linger_ms = 100;
    return made;
  }
};

void fill_and_reset(Stage& stage, const std::string& endpoint) {
  RawPeer peer;
  REQUIRE(peer.connect(endpoint));
  REQUIRE(peer.shake_hands(stage.key.public_key, stage.member));
  REQUIRE(peer.send_bytes(full_pipe(peer)));
  REQUIRE(peer.all_read());
  peer.reset();
}

}  // namespace

TEST_CASE("a full receive pipe, a reset, and the heartbeat's moment") {
  for (const bool at_work : {false, true}) {
    Stage stage;
    REQUIRE(stage.server.run_loop(0));
    fill_and_reset(stage, at_work ? stage.server.work() : stage.server.join());
    CHECK_FALSE(stage.server.dies_within(4 * kHeartbeatMs));  // the loop is elsewhere
    CHECK(stage.server.run_loop(50));
    CHECK(stage.server.end() == 0);
  }
}

TEST_CASE("a full receive pipe, a reset, and a PING that waits behind it") {
  // No heartbeat is needed for this one: the loop takes what fills the pipe, and libzmq answers the
  // PING in its buffer on a connection that it knows is gone.
  for (const bool at_work : {false, true}) {
    Stage stage;
    REQUIRE(stage.server.run_loop(0));
    fill_and_reset(stage, at_work ? stage.server.work() : stage.server.join());
    CHECK_FALSE(stage.server.dies_within(kHeartbeatMs / 4));
    CHECK(stage.server.run_loop(100));
    CHECK(stage.server.end() == 0);
  }
}

namespace {

using Random = std::mt19937_64;

Bytes damaged(Bytes bytes, Random& random) {
  for (int i = 0; i < 3 && !bytes.empty(); ++i)
    bytes[random() % bytes.size()] ^= static_cast<std::uint8_t>(1u << random() % 8);
  if (random() % 4 == 0) bytes.resize(random() % (bytes.size() + 1));
  return bytes;
}

// What a connection may claim of itself, likely or not.
std::vector<Property> properties(Random& random) {
  static const std::vector<Property> some = {{"Socket-Type", "DEALER"},
                                             {"Socket-Type", "REQ"},
                                             {"Socket-Type", "SUB"},
                                             {"Socket-Type", ""},
                                             {"Identity", ""},
                                             {"Identity", std::string(1, '\0')},
                                             {"Identity", "taken"},
                                             {"Identity", "taken"},
                                             {"Identity", std::string(255, 'x')},
                                             {"Identity", std::string(3000, 'x')},
                                             {"", "nameless"},
                                             {"Resource", "r"},
                                             {"User-Id", "somebody"},
                                             {std::string(255, 'n'), "v"}};
  if (random() % 2 == 0) return dealer_properties();
  std::vector<Property> made;
  for (std::uint64_t i = random() % 4; i > 0; --i) made.push_back(some[random() % some.size()]);
  return made;
}

Bytes something(RawPeer& peer, Random& random) {
  static const std::vector<std::string> commands = {
      std::string("\x04PING\x00\x01", 7) + std::string(20, 'c'),
      std::string("\x04PING", 5),
      std::string("\x04PONG", 5) + std::string(200, 'c'),
      "\x09SUBSCRIBEtopic",
      "\x06"
      "CANCELtopic",
      std::string("\x05"
                  "ERROR\x03why",
                  10),
      std::string("\x05READY\x0bSocket-Type\0\0\0\x03PUB", 25),
      std::string("\xff", 1),
      ""};
  switch (random() % 5) {
    case 0: {
      const std::string& command = commands[random() % commands.size()];
      return peer.encrypted(as_bytes(command), RawPeer::kCommand);
    }
    case 1:
      return peer.encrypted(Bytes(random() % 300), static_cast<std::uint8_t>(random()));
    case 2:
      return wire_frame(Bytes(random() % 300), static_cast<std::uint8_t>(random() % 8));
    case 3:
      return damaged(peer.encrypted(Bytes(random() % 300), 0), random);
    default:
      return peer.encrypted(encode_message(Ping{}, 1).value(),
                            random() % 2 == 0 ? RawPeer::kMore : std::uint8_t{0});
  }
}

// As far as the dice say, then something else than what would follow.
void misbehave(RawPeer& peer, const Stage& stage, Random& random) {
  const std::uint64_t steps = random() % 6;
  if (steps == 0) {
    peer.send_bytes(damaged(Bytes(64, 0x7f), random));
    return;
  }
  peer.send_greeting();
  if (steps == 1) {
    peer.send_bytes(wire_frame(Bytes(random() % 600), static_cast<std::uint8_t>(random() % 8)));
    return;
  }
  if (!peer.send_hello(stage.key.public_key) || !peer.await_welcome()) return;
  if (steps == 2) {
    peer.send_bytes(wire_frame(Bytes(random() % 600), kWireCommand));
    return;
  }
  if (!peer.send_initiate(stage.member, properties(random))) return;
  if (steps == 3 || !peer.await_ready(200)) return;
  for (std::uint64_t i = random() % 20; i > 0; --i) {
    if (!peer.send_bytes(something(peer, random))) return;
  }
}

}  // namespace

TEST_CASE("anything at any step of a handshake and after it") {
  ServerOptions options = Stage::options(new_curve_key_pair());
  options.join_handshakes = options.join_handshakes_total = {1'000'000, 1'000'000};
  options.work_handshakes = options.work_handshakes_total = {1'000'000, 1'000'000};
  Stage stage(options);
  Random random(11);
  for (int i = 0; i < 400; ++i) {
    RawPeer peer;
    REQUIRE(peer.connect(i % 2 == 0 ? stage.server.join() : stage.server.work()));
    misbehave(peer, stage, random);
    if (random() % 2 == 0) peer.reset();
    if (i % 10 == 0) REQUIRE(stage.server.run_loop(0));
  }
  CHECK(stage.server.run_loop(50));
  RawPeer honest;
  REQUIRE(honest.connect(stage.server.work()));
  REQUIRE(honest.shake_hands(stage.key.public_key, stage.member));
  CHECK(honest.send_frame(encode_message(Ping{}, 1).value()));
  CHECK(stage.server.run_loop(50));
  CHECK(honest.receive().has_value());
  CHECK(stage.server.end() == 0);
}
