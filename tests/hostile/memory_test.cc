// What a peer can make a coordinator hold, and whether it is given back: the real ServerTransport
// in a process of its own, whose resident size the kernel tells.
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <vector>

#include "coordinator/protocol/messages.h"
#include "tests/hostile/attacks.h"
#include "tests/hostile/child_server.h"
#include "tests/hostile/raw_peer.h"

using namespace gradmint;
using namespace gradmint::hostile;

namespace {

constexpr std::uint64_t kMega = 1024 * 1024;

struct Stage {
  CurveKeyPair key = new_curve_key_pair();
  CurveKeyPair member = new_curve_key_pair();
  ChildServer server;
  std::uint64_t before = 0;

  explicit Stage(const std::function<void(ServerOptions&)>& change = [](ServerOptions&) {})
      : server(options(key, change), member.public_key) {
    REQUIRE(server.run_loop(20));
    before = server.resident_bytes();
  }
  static ServerOptions options(const CurveKeyPair& key,
                               const std::function<void(ServerOptions&)>& change) {
    ServerOptions made;
    made.key = key;
    made.linger_ms = 100;
    change(made);
    return made;
  }

  std::uint64_t grown() const {
    const std::uint64_t now = server.resident_bytes();
    return now > before ? now - before : 0;
  }
  // Lets its loop run until that holds.
  bool runs_until(const std::function<bool()>& holds, int patience_ms = 20'000) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
    while (!holds()) {
      if (std::chrono::steady_clock::now() > until || !server.run_loop(20)) return false;
    }
    return true;
  }

  RawPeer come_in(const std::string& endpoint, const CurveKeyPair& own,
                  const std::string& source = {}) {
    RawPeer peer;
    REQUIRE(peer.connect(endpoint, 5000, source));
    REQUIRE(peer.shake_hands(key.public_key, own));
    return peer;
  }
  // The answer to a Ping; nothing when the connection is closed first.
  std::optional<Message> ping(RawPeer& peer) {
    if (!peer.send_frame(encode_message(Ping{}, 1).value())) return std::nullopt;
    REQUIRE(server.run_loop(20));
    const auto answer = peer.receive(2000);
    if (!answer) return std::nullopt;
    return decode_message(answer->body).message;
  }
};

bool is_full(const std::optional<Message>& answer) {
  const auto* refusal = answer ? std::get_if<Refusal>(&*answer) : nullptr;
  return refusal != nullptr && refusal->code == RefusalCode::full;
}

// As much of it as the other side takes before it closes; how much that was.
std::size_t pour(RawPeer& peer, std::size_t bytes) {
  const Bytes piece(64 * 1024, 'x');
  std::size_t sent = 0;
  while (sent < bytes && peer.send_bytes(piece, 500)) sent += piece.size();
  return sent;
}

}  // namespace

TEST_CASE("before a handshake is done a connection holds a few KiB") {
  Stage stage([](ServerOptions& options) { options.max_pending_per_address = 1000; });
  std::vector<RawPeer> peers;
  for (int i = 0; i < 64; ++i) {
    RawPeer peer;
    REQUIRE(peer.connect(i % 2 == 0 ? stage.server.join() : stage.server.work()));
    peer.send_greeting();
    peer.send_bytes(wire_frame_head(i % 2 == 0 ? 500 * 1024 : 4 * kMega, kWireCommand));
    pour(peer, i % 2 == 0 ? 400 * 1024 : 3 * kMega);
    peers.push_back(std::move(peer));
  }
  CHECK(stage.grown() < 16 * kMega);
  for (RawPeer& peer : peers) CHECK(peer.closed_within(5000));
  CHECK(stage.server.run_loop(20));
  CHECK(stage.server.end() == 0);
}

TEST_CASE("frames of a message that never ends are bounded as they come, and given back") {
  // The loop is elsewhere all the time, as while it aggregates; each peer has said who it is
  // before.
  for (const bool at_work : {false, true}) {
    Stage stage;
    const std::uint64_t bound = at_work ? 4 * 24 * kMega : 8 * 3 * kMega;
    std::vector<RawPeer> peers;
    for (int i = 0; i < (at_work ? 4 : 8); ++i) {
      peers.push_back(stage.come_in(at_work ? stage.server.work() : stage.server.join(),
                                    at_work ? stage.member : new_curve_key_pair()));
      CHECK(stage.ping(peers.back()).has_value());
    }
    std::uint64_t peak = 0;
    for (RawPeer& peer : peers) {
      const Bytes frame = peer.encrypted(Bytes(100 * 1024, 'x'), RawPeer::kMore);
      std::size_t sent = 0;
      while (sent < 64 * kMega &&
             peer.send_bytes(peer.encrypted(Bytes(100 * 1024, 'x'), RawPeer::kMore), 500))
        sent += frame.size();
      CHECK(sent < 64 * kMega);
      peak = std::max(peak, stage.grown());
    }
    CHECK(peak < bound + 32 * kMega);
    for (RawPeer& peer : peers) CHECK(peer.closed_within(5000));
    CHECK(stage.runs_until([&] { return stage.grown() < 12 * kMega; }));
    CHECK(stage.server.end() == 0);
  }
}

TEST_CASE("who sends what cannot be decrypted is closed, and its descriptor is given back") {
  Stage stage;
  const std::size_t descriptors = stage.server.open_descriptors();
  for (const bool at_work : {false, true}) {
    for (unsigned which = 0; which < kBadFrames; ++which) {
      for (const bool stays : {false, true}) {
        CAPTURE(at_work);
        CAPTURE(which);
        CAPTURE(stays);
        RawPeer peer = stage.come_in(at_work ? stage.server.work() : stage.server.join(),
                                     at_work ? stage.member : new_curve_key_pair());
        REQUIRE(peer.send_bytes(bad_frame(peer, which)));
        if (stays) CHECK(peer.closed_within(2000));
        peer.close();
        REQUIRE(
            stage.runs_until([&] { return stage.server.open_descriptors() <= descriptors; }, 5000));
      }
    }
  }
  CHECK(stage.server.end() == 0);
}

TEST_CASE("an account has four connections, and its newest is the one that stays") {
  Stage stage;
  std::vector<RawPeer> peers;
  for (int i = 0; i < 6; ++i) {
    peers.push_back(stage.come_in(stage.server.work(), stage.member));
    CHECK(stage.ping(peers.back()).has_value());
  }
  CHECK(peers[0].closed_within(5000));
  CHECK(peers[1].closed_within(5000));
  for (std::size_t i = 2; i < peers.size(); ++i) CHECK(stage.ping(peers[i]).has_value());
  CHECK(stage.server.end() == 0);
}

TEST_CASE("one address has eight places at join; the ninth is told so, another address comes in") {
  Stage stage([](ServerOptions& options) { options.guest_idle_ms = 60'000; });
  std::vector<RawPeer> peers;
  for (int i = 0; i < 8; ++i) {
    peers.push_back(stage.come_in(stage.server.join(), new_curve_key_pair()));
    CHECK_FALSE(is_full(stage.ping(peers.back())));
  }
  RawPeer ninth = stage.come_in(stage.server.join(), new_curve_key_pair());
  CHECK(is_full(stage.ping(ninth)));
  CHECK(ninth.closed_within(5000));
  RawPeer elsewhere = stage.come_in(stage.server.join(), new_curve_key_pair(), "127.0.0.2");
  CHECK_FALSE(is_full(stage.ping(elsewhere)));
  // A member behind that address is no guest.
  RawPeer member = stage.come_in(stage.server.join(), stage.member);
  CHECK_FALSE(is_full(stage.ping(member)));
  CHECK(stage.server.end() == 0);
}

TEST_CASE("guests that ask nothing make room") {
  Stage stage([](ServerOptions& options) { options.guest_idle_ms = 100; });
  std::vector<RawPeer> peers;
  for (int i = 0; i < 8; ++i) {
    peers.push_back(stage.come_in(stage.server.join(), new_curve_key_pair()));
    CHECK_FALSE(is_full(stage.ping(peers.back())));
  }
  REQUIRE(stage.server.run_loop(150));
  RawPeer ninth = stage.come_in(stage.server.join(), new_curve_key_pair());
  CHECK_FALSE(is_full(stage.ping(ninth)));
  CHECK(peers[0].closed_within(5000));
  CHECK(stage.server.end() == 0);
}

TEST_CASE("who says nothing after its handshake is gone after a while, and makes room for others") {
  Stage stage([](ServerOptions& options) { options.handshake_timeout_ms = 200; });
  RawPeer silent = stage.come_in(stage.server.join(), new_curve_key_pair());
  RawPeer mute;
  REQUIRE(mute.connect(stage.server.work()));
  CHECK(silent.closed_within(5000));
  CHECK(mute.closed_within(5000));
  CHECK(stage.server.end() == 0);
}

TEST_CASE("a routing id that libzmq would give itself cannot be kept") {
  // Peers that take the numbers that come next: libzmq aborts when it gives one that is taken.
  Stage stage;
  std::vector<RawPeer> named;
  for (int i = 0; i < 4; ++i) {
    RawPeer peer;
    REQUIRE(peer.connect(stage.server.work()));
    const std::string chosen = {'\0', '\x12', '\x34', '\x56', static_cast<char>(i)};
    REQUIRE(peer.shake_hands(stage.key.public_key, stage.member, dealer_properties(chosen)));
    peer.send_frame(encode_message(Ping{}, 1).value());
    named.push_back(std::move(peer));
  }
  REQUIRE(stage.server.run_loop(50));
  for (RawPeer& peer : named) CHECK(peer.closed_within(5000));
  RawPeer nameless = stage.come_in(stage.server.work(), stage.member);
  CHECK(stage.ping(nameless).has_value());
  CHECK(stage.server.end() == 0);
}

TEST_CASE("a connection that is gone cannot have the next one cut off") {
  // What it said waits for the loop, with the number of a descriptor that is another's by then.
  Stage stage;
  for (int attempt = 0; attempt < 4; ++attempt) {
    RawPeer named;
    REQUIRE(named.connect(stage.server.work()));
    const std::string chosen = {'\0', '\x12', '\x34', '\x56', '\x78'};
    REQUIRE(named.shake_hands(stage.key.public_key, stage.member, dealer_properties(chosen)));
    REQUIRE(named.send_frame(encode_message(Ping{}, 1).value()));
    REQUIRE(named.end_within(5000));
    RawPeer next = stage.come_in(stage.server.work(), stage.member);
    REQUIRE(stage.server.run_loop(50));
    CHECK(stage.ping(next).has_value());
  }
  CHECK(stage.server.end() == 0);
}

TEST_CASE("who has stopped answering is given up by both sides") {
  Stage stage([](ServerOptions& options) { options.heartbeat_interval_ms = 100; });
  RawPeer peer = stage.come_in(stage.server.work(), stage.member);
  CHECK(stage.ping(peer).has_value());
  CHECK(peer.closed_within(5000));  // 300 ms, in fact
  CHECK(stage.server.end() == 0);
}
