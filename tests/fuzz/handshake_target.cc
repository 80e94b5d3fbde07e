// The server's sockets under every kind of connection: its greeting, its handshake, its frames and
// its end are the input's. A real ServerTransport, whose loop answers pings; an honest member's
// connection must be answered after each input.
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <deque>
#include <mutex>
#include <thread>

#include "coordinator/protocol/server_transport.h"
#include "kernels/base/check.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/target.h"
#include "tests/hostile/child_server.h"
#include "tests/hostile/raw_peer.h"

namespace gradmint::fuzz {
namespace {

using hostile::RawPeer;
constexpr std::size_t kPeers = 3;
constexpr int kPatienceMs = 30'000;
constexpr std::size_t kEventsKept = 32;
// Its own, and those of the last inputs' connections: they have half a second for a handshake.
constexpr std::size_t kMostDescriptors = 200;
constexpr int kHostileMs = 20;  // what the input's own steps wait for an answer

class Stage {
 public:
  static Stage& get() {
    static Stage stage;
    return stage;
  }
  ~Stage() {
    ended_ = true;
    transport_->waker().wake();
    loop_.join();
  }
  const Hash& key() const { return server_key_.public_key; }
  const CurveKeyPair& member() const { return member_; }
  const CurveKeyPair& stranger() const { return stranger_; }
  std::string endpoint(bool work) const {
    return work ? transport_->work_endpoint() : transport_->join_endpoint();
  }

  // Each input's connections are closed by now on their own side.
  void check_descriptors() {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
    while (hostile::open_descriptors_of(getpid()) > kMostDescriptors) {
      GRADMINT_CHECK(std::chrono::steady_clock::now() < until);
      check_alive();
    }
  }

  // A busy machine may take longer for a handshake than this server has patience.
  void greet() {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
    do {
      GRADMINT_CHECK(std::chrono::steady_clock::now() < until);
      honest_.close();
      GRADMINT_CHECK(honest_.connect(endpoint(true), kPatienceMs));
    } while (!honest_.shake_hands(key(), honest_key_, hostile::dealer_properties(), kPatienceMs));
  }

  void check_alive() {
    if (!honest_.is_open()) greet();
    const std::uint64_t id = ++pings_;
    GRADMINT_CHECK(honest_.send_frame(encode_message(Ping{}, id).value(), 0, kPatienceMs));
    for (;;) {
      const auto answer = honest_.receive(kPatienceMs);
      if (!answer) tell_events();
      GRADMINT_CHECK(answer.has_value());
      if ((answer->flags & RawPeer::kCommand) != 0) continue;
      const DecodedMessage decoded = decode_message(answer->body);
      if (decoded.ok() && std::holds_alternative<Pong>(decoded.message) &&
          decoded.request_id == id) {
        return;
      }
    }
  }

 private:
  Stage() {
    ServerOptions options;
    options.key = server_key_;
    options.join_endpoint = options.work_endpoint = "tcp://127.0.0.1:0";
    options.handshake_timeout_ms = 500;
    options.linger_ms = 0;
    for (RateLimit* limit : {&options.join_rate, &options.work_rate, &options.join_handshakes,
                             &options.join_handshakes_total, &options.work_handshakes,
                             &options.work_handshakes_total}) {
      *limit = RateLimit{1'000'000, 1'000'000};
    }
    auto bound = ServerTransport::bind(options);
    GRADMINT_CHECK(bound.ok());
    transport_ = *std::move(bound);
    transport_->admit(member_.public_key, AccountId{});
    // An account of its own: each has room for few connections.
    transport_->admit(honest_key_.public_key, honest_key_.public_key);
    loop_ = std::thread([this] {
      while (!ended_) {
        const ServerBatch batch = transport_->poll(100);
        for (const Inbound& inbound : batch.inbound) {
          if (std::holds_alternative<Ping>(inbound.message)) transport_->reply(inbound, Pong{});
        }
        const std::lock_guard lock(events_mutex_);
        for (const TransportEvent& event : batch.events) events_.push_back(event.text);
        while (events_.size() > kEventsKept) events_.pop_front();
      }
    });
  }

  // Why the server cut somebody off, when it should not have.
  void tell_events() {
    const std::lock_guard lock(events_mutex_);
    std::fprintf(stderr, "fuzz: ping %llu was not answered\n",
                 static_cast<unsigned long long>(pings_));
    for (const std::string& event : events_) std::fprintf(stderr, "fuzz: %s\n", event.c_str());
  }

  CurveKeyPair server_key_ = new_curve_key_pair(), member_ = new_curve_key_pair(),
               stranger_ = new_curve_key_pair(), honest_key_ = new_curve_key_pair();
  std::unique_ptr<ServerTransport> transport_;
  std::atomic<bool> ended_{false};
  std::thread loop_;
  std::mutex events_mutex_;
  std::deque<std::string> events_;
  RawPeer honest_;
  std::uint64_t pings_ = 0;
};

std::vector<hostile::Property> properties_of(Script& script) {
  std::vector<hostile::Property> out;
  switch (script.below(3)) {
    case 0:
      return hostile::dealer_properties();
    case 1:
      return hostile::dealer_properties(std::string(text_of(script.bytes())));
    default:
      for (std::size_t count = script.below(5); count > 0; --count) {
        std::string name(text_of(script.bytes()));
        out.push_back({std::move(name), std::string(text_of(script.bytes()))});
      }
      return out;
  }
}

struct HostilePeer {
  RawPeer raw;
  bool welcomed = false;  // may go on with INITIATE
};

void step(Script& script, HostilePeer& hostile_peer) {
  Stage& stage = Stage::get();
  RawPeer& peer = hostile_peer.raw;
  const CurveKeyPair& own = script.below(2) == 0 ? stage.member() : stage.stranger();
  switch (script.below(12)) {
    case 0:
      hostile_peer = HostilePeer{};
      peer.connect(stage.endpoint(script.below(2) == 0));
      break;
    case 1:
      peer.send_greeting();
      break;
    case 2:
      peer.send_bytes(script.bytes(), kHostileMs);
      break;
    case 3:
      hostile_peer.welcomed = peer.send_hello(stage.key()) && peer.await_welcome(kHostileMs);
      break;
    case 4:
      if (hostile_peer.welcomed && peer.send_initiate(own, properties_of(script)))
        peer.await_ready(kHostileMs);
      break;
    case 5:
      peer.shake_hands(stage.key(), own, properties_of(script), kHostileMs);
      break;
    case 6: {
      const std::uint8_t flags = script.byte();
      peer.send_frame(script.bytes(), flags, kHostileMs);
      break;
    }
    case 7:
      peer.send_bytes(script.bent(peer.encrypted(script.bytes(), 0)), kHostileMs);
      break;
    case 8: {
      const std::uint8_t flags = script.byte();
      peer.send_bytes(hostile::wire_frame(script.bytes(), flags), kHostileMs);
      break;
    }
    case 9: {
      const std::uint8_t flags = script.byte();
      const std::uint64_t size = std::uint64_t{script.byte()} << script.below(64);
      peer.send_bytes(hostile::wire_frame_head(size, flags), kHostileMs);
      break;
    }
    case 10:
      peer.receive(1);
      break;
    default:
      if (script.below(2) == 0) peer.reset();
      hostile_peer = HostilePeer{};
      break;
  }
}

void run(ByteView input) {
  Script script(input);
  {
    HostilePeer peers[kPeers];
    for (int steps = 0; !script.ended() && steps < 24; ++steps) {
      HostilePeer& peer = peers[script.below(kPeers)];
      step(script, peer);
    }
  }
  Stage::get().check_alive();
  Stage::get().check_descriptors();
}

std::vector<Bytes> seeds() {
  const auto scripted = [](std::initializer_list<int> bytes) {
    Bytes out;
    for (const int byte : bytes) out.push_back(static_cast<std::uint8_t>(byte));
    return out;
  };
  // Each step: which peer, whose key, what.
  return {
      scripted({0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 6, 0, 4, 1, 2, 3, 4, 0, 0, 10}),
      scripted({0, 0, 0, 1, 0, 0, 1, 0, 0, 3, 0, 0, 4, 1, 2, 65, 66, 0, 0, 11, 0}),
      scripted({1, 1, 0, 1, 1, 1, 1, 1, 1, 9, 4, 255, 40}),
      scripted({2, 0, 0, 0, 2, 0, 5, 2, 2, 3, 65, 66, 67, 1, 68, 0, 0, 2, 0, 8, 4, 2, 5, 6}),
      scripted({0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 6, 1, 1, 7, 0, 0, 7, 2, 8, 8, 3, 0, 1, 2, 3, 4}),
  };
}

}  // namespace

Target handshake_target() { return {"handshake", run, seeds, true}; }

}  // namespace gradmint::fuzz
