// The coordinator's real program and a hostile peer: it goes on, it stays small, it says little.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "coordinator/protocol/invitation.h"
#include "tests/hostile/attacks.h"
#include "tests/hostile/child_server.h"
#include "tests/hostile/raw_peer.h"
#include "tests/process/federation.h"

using namespace gradmint;
using namespace gradmint::hostile;
using namespace gradmint::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kMega = 1024 * 1024;
constexpr int kHeartbeatMs = 5000;  // the coordinator's

// A coordinator that waits for its workers.
struct Stage {
  Federation federation;
  std::unique_ptr<Process> coordinator;
  std::string join, work;
  Hash server_key;
  std::uint64_t before = 0;

  explicit Stage(const std::string& data) : federation(data) {
    coordinator = federation.coordinator();
    const json started = coordinator->await("started");
    join = started["join"];
    work = started["work"];
    const Result<Invitation> invitation = parse_invitation(federation.invite());
    REQUIRE(invitation.ok());
    server_key = invitation->coordinator_curve_key;
    before = resident_bytes_of(coordinator->pid());
  }
  std::uint64_t grown() const {
    const std::uint64_t now = resident_bytes_of(coordinator->pid());
    return now > before ? now - before : 0;
  }
  RawPeer come_in(const std::string& source) {
    RawPeer peer;
    REQUIRE(peer.connect(join, 5000, source));
    REQUIRE(peer.shake_hands(server_key, new_curve_key_pair()));
    return peer;
  }
  // It still answers its owner, and ends when it is told to.
  void check_well() {
    const Ran ran =
        run({program("gradmint-coordinator"), "status", "--home", federation.home().string()});
    CAPTURE(ran.errors);
    CHECK(ran.status == 0);
    coordinator->signal(SIGTERM);
    CHECK(coordinator->wait() == 0);
  }
};

}  // namespace

TEST_CASE("timed resets with a full receive pipe, by somebody who has only an invitation") {
  const auto data = data_or_skip();
  if (!data) return;
  Stage stage(*data);
  // Reset just before the heartbeat of libzmq that a connection's handshake would have begun.
  constexpr int kPeers = 48;
  struct Timed {
    RawPeer peer;
    std::chrono::steady_clock::time_point reset_at;
  };
  std::vector<Timed> timed;
  for (int i = 0; i < kPeers; ++i) {
    RawPeer peer = stage.come_in("127.0.2." + std::to_string(1 + i % 8));
    const auto moment = std::chrono::milliseconds(kHeartbeatMs - i % 24);
    timed.push_back({std::move(peer), std::chrono::steady_clock::now() + moment});
  }
  for (Timed& each : timed) {
    const Bytes pipe = full_pipe(each.peer);
    // The moment is what is tried here.
    std::this_thread::sleep_until(each.reset_at);
    each.peer.send_bytes(pipe);
    each.peer.reset();
  }
  RawPeer honest = stage.come_in("127.0.3.1");
  CHECK(honest.send_frame(encode_message(Ping{}, 1).value()));
  CHECK(honest.receive().has_value());
  CHECK_FALSE(honest.closed_within(200));
  stage.check_well();
}

TEST_CASE("unfinished messages and big handshakes stay small, and are given back") {
  const auto data = data_or_skip();
  if (!data) return;
  Stage stage(*data);
  std::uint64_t peak = 0;
  std::vector<RawPeer> peers;
  for (int i = 0; i < 64; ++i) {
    RawPeer peer;
    REQUIRE(peer.connect(stage.work, 5000, "127.0.4." + std::to_string(1 + i % 8)));
    peer.send_greeting();
    peer.send_bytes(wire_frame_head(4 * kMega, kWireCommand));
    peer.send_bytes(Bytes(4 * kMega - 1, 'x'), 300);
    peers.push_back(std::move(peer));
    peak = std::max(peak, stage.grown());
  }
  for (int i = 0; i < 16; ++i) {
    RawPeer peer = stage.come_in("127.0.2." + std::to_string(1 + i));
    CHECK(peer.send_frame(encode_message(Ping{}, 1).value()));
    CHECK(peer.receive().has_value());
    std::size_t sent = 0;
    while (sent < 64 * kMega && peer.send_frame(Bytes(100 * 1024, 'x'), RawPeer::kMore, 500))
      sent += 100 * 1024;
    CHECK(sent < 64 * kMega);
    peak = std::max(peak, stage.grown());
    peers.push_back(std::move(peer));
  }
  CHECK(peak < 96 * kMega);
  for (RawPeer& peer : peers) CHECK(peer.closed_within(15'000));
  stage.check_well();
}

TEST_CASE("frames that cannot be decrypted leave no descriptor behind") {
  const auto data = data_or_skip();
  if (!data) return;
  Stage stage(*data);
  RawPeer honest = stage.come_in("127.0.3.1");
  const auto answered = [&] {
    return honest.send_frame(encode_message(Ping{}, 1).value()) && honest.receive().has_value();
  };
  REQUIRE(answered());
  const std::size_t before = open_descriptors_of(stage.coordinator->pid());
  std::vector<RawPeer> peers;
  for (unsigned i = 0; i < 64; ++i) {
    RawPeer peer = stage.come_in("127.0.2." + std::to_string(1 + i));
    CHECK(peer.send_bytes(bad_frame(peer, i)));
    if (i % 2 == 0) peers.push_back(std::move(peer));
  }
  for (RawPeer& peer : peers) CHECK(peer.closed_within(5000));
  peers.clear();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (open_descriptors_of(stage.coordinator->pid()) > before) {
    REQUIRE(std::chrono::steady_clock::now() < until);
    REQUIRE(answered());
  }
  stage.check_well();
}

TEST_CASE("two connections cannot fill the log") {
  const auto data = data_or_skip();
  if (!data) return;
  Stage stage(*data);
  std::size_t refused = 0;
  for (const std::string source : {"127.0.2.1", "127.0.2.2"}) {
    RawPeer peer = stage.come_in(source);
    for (int i = 0; i < 3000; ++i) {
      if (!peer.send_frame(Bytes(40, 0xa5))) break;
      if (peer.receive()) ++refused;
    }
  }
  CHECK(refused > 1000);
  stage.coordinator->signal(SIGTERM);
  CHECK(stage.coordinator->wait() == 0);
  std::size_t said = stage.coordinator->errors().size();
  for (const std::string& line : stage.coordinator->lines()) said += line.size();
  const fs::path log = stage.federation.home() / "log";
  if (fs::exists(log)) {
    for (const auto& entry : fs::directory_iterator(log))
      said += static_cast<std::size_t>(fs::file_size(entry.path()));
  }
  CHECK(said < 8 * 1024);
}

TEST_CASE("with too few files it says so in one line instead of starting") {
  const auto data = data_or_skip();
  if (!data) return;
  const Federation federation(*data);
  for (const std::string few : {"24", "64", "255"}) {
    Words words{"/bin/sh", "-c", "ulimit -n " + few + " && exec \"$@\"", "sh"};
    const CommandLine run_words = coordinator_run_command(federation.plan());
    words.insert(words.end(), run_words.begin(), run_words.end());
    const Ran ran = run(words);
    CAPTURE(ran.errors);
    CHECK(ran.status == 2);
    CHECK(ran.errors.starts_with("gradmint-coordinator: "));
    CHECK(ran.errors.find("at least 256") != std::string::npos);
    CHECK(std::count(ran.errors.begin(), ran.errors.end(), '\n') == 1);
  }
}
