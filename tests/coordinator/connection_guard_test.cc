// The guard alone, over the two ends of real TCP connections; time is the test's.
#include "coordinator/protocol/connection_guard.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "coordinator/protocol/event_digest.h"

using namespace gradmint;

namespace {

using Accounts = std::vector<std::uint8_t>;

GuardLimits limits() {
  GuardLimits made;
  made.max_connections = 100;
  made.max_pending = 4;
  made.max_pending_per_address = 3;
  made.max_guests = 4;
  made.max_guests_per_address = 2;
  made.max_per_account = 2;
  made.max_first_bytes = 5'000;
  made.max_untaken_bytes = 100'000;
  made.max_untaken_total_bytes = 150'000;
  made.max_pending_ms = 1000;
  made.max_silent_ms = 3000;
  made.idle_ms = 500;
  return made;
}

Hash key(std::uint8_t fill) {
  Hash hash;
  hash.bytes.fill(fill);
  return hash;
}

class Scene {
 public:
  Scene() : guard(limits()) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = from(1);
    REQUIRE(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(listener_, 16) == 0);
    socklen_t size = sizeof address_;
    REQUIRE(getsockname(listener_, reinterpret_cast<sockaddr*>(&address_), &size) == 0);
  }
  ~Scene() {
    for (const auto& [near, far] : ends_) {
      close(near);
      if (far >= 0) close(far);
    }
    close(listener_);
  }

  // Connects from 127.0.0.<host>; a number for it.
  std::size_t connection(std::uint8_t host) {
    const int near = socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in source = from(host);
    REQUIRE(bind(near, reinterpret_cast<const sockaddr*>(&source), sizeof source) == 0);
    REQUIRE(connect(near, reinterpret_cast<const sockaddr*>(&address_), sizeof address_) == 0);
    const int far = accept(listener_, nullptr, nullptr);
    REQUIRE(far >= 0);
    ends_.push_back({near, far});
    guard.accepted(far, ends_.size() - 1, now_ms, lines);  // each gives one handshake
    return ends_.size() - 1;
  }
  // It is closed, and its descriptor is the next connection's, from 127.0.0.<host>.
  std::size_t replace(std::size_t i, std::uint8_t host) {
    const std::size_t next = connection(host);
    guard.closed(far(next));
    guard.closed(far(i));
    REQUIRE(dup2(far(next), far(i)) == far(i));
    close(std::exchange(ends_[next].second, ends_[i].second));
    ends_[i].second = -1;
    guard.accepted(far(next), next, now_ms, lines);
    return next;
  }
  // What connection i said is taken when its descriptor is another's already.
  Standing hears_late(std::size_t i, std::size_t now_of, std::uint8_t account) {
    return guard.heard(
        {far(now_of), i + 1, key(9), account == 0 ? AccountId{} : key(account), true, 100, 2},
        now_ms, lines);
  }
  Standing hears(std::size_t i, std::uint8_t account, std::uint64_t size_bytes = 100) {
    return guard.heard({ends_[i].second, i + 1, key(account),
                        account == 0 ? AccountId{} : key(account), true, size_bytes, 2},
                       now_ms, lines);
  }
  void deliver(std::size_t i, std::size_t bytes) {  // blocks until the far end has all of it
    const Bytes chunk(bytes);
    REQUIRE(send(ends_[i].first, chunk.data(), bytes, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes));
    Bytes back(bytes);
    REQUIRE(recv(ends_[i].second, back.data(), bytes, MSG_WAITALL) == static_cast<ssize_t>(bytes));
  }
  void inspect(std::uint64_t after_ms = 10) {
    now_ms += after_ms;
    guard.inspect(now_ms, lines);
  }
  bool is_cut(std::size_t i) const {
    char byte;
    return recv(ends_[i].first, &byte, 1, MSG_DONTWAIT) == 0;
  }
  int far(std::size_t i) const { return ends_[i].second; }

  ConnectionGuard guard;
  ConnectionGuard::Lines lines;
  std::uint64_t now_ms = 1000;

 private:
  static sockaddr_in from(std::uint8_t host) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(0x7f000000u + host);
    return address;
  }
  int listener_ = -1;
  sockaddr_in address_{};
  std::vector<std::pair<int, int>> ends_;
};

}  // namespace

TEST_CASE("whatever the loop takes may come for ever; what it does not take is bounded") {
  Scene scene;
  for (const std::uint8_t account : Accounts{1, 2}) scene.hears(scene.connection(1), account);
  for (int round = 0; round < 20; ++round) {
    scene.deliver(0, 60'000);
    scene.hears(0, 1, 60'000);
    scene.inspect();
    CHECK(scene.lines.empty());
  }
  // Neither is over its own limit, but together they are over theirs: the greater goes.
  scene.deliver(0, 70'000);
  scene.deliver(1, 90'000);
  scene.inspect();
  REQUIRE(scene.lines.size() == 1);
  CHECK(scene.lines[0].find("and it the most") != std::string::npos);
  CHECK(scene.is_cut(1));
  CHECK_FALSE(scene.is_cut(0));
  // What it sent counts until the loop has nothing more to take: a new one is told to wait.
  scene.guard.closed(scene.far(1));
  CHECK(scene.guard.crowded());
  CHECK(scene.guard.take_returned_bytes() == 90'000);
  scene.guard.all_taken();
  CHECK_FALSE(scene.guard.crowded());
  scene.inspect();
  CHECK(scene.lines.size() == 1);
  scene.deliver(0, 40'000);
  scene.inspect();
  REQUIRE(scene.lines.size() == 2);
  CHECK(scene.lines[1].find("bytes that no complete message accounts for") != std::string::npos);
  CHECK(scene.is_cut(0));
  scene.inspect();
  CHECK(scene.lines.size() == 2);  // named once
}

TEST_CASE("who has not said anything yet may send little and not take long") {
  Scene scene;
  const std::size_t quick = scene.connection(1);
  const std::size_t greedy = scene.connection(1);
  const std::size_t slow = scene.connection(1);
  scene.deliver(quick, 4'000);
  scene.deliver(greedy, 6'000);
  scene.inspect();
  CHECK(scene.is_cut(greedy));
  CHECK(scene.hears(quick, 1) == Standing::welcome);
  scene.deliver(quick, 50'000);
  scene.inspect(1100);
  CHECK(scene.is_cut(slow));
  CHECK_FALSE(scene.is_cut(quick));
  scene.inspect(900);
  scene.inspect(900);
  CHECK_FALSE(scene.is_cut(quick));
  scene.inspect(900);
  scene.inspect(900);
  CHECK(scene.is_cut(quick));  // silent for three seconds
}

TEST_CASE("who is gone before it has said anything is told apart, once") {
  Scene scene;
  const std::size_t mute = scene.connection(1);
  const std::size_t guest = scene.connection(2);
  const std::size_t member = scene.connection(3);
  const std::size_t slow = scene.connection(4);
  CHECK(scene.hears(guest, 0) == Standing::welcome);
  CHECK(scene.hears(member, 1) == Standing::welcome);
  CHECK_FALSE(scene.guard.closed(scene.far(mute)));
  scene.inspect(1100);
  REQUIRE(scene.is_cut(slow));  // has had its line
  CHECK(scene.guard.closed(scene.far(slow)));
  CHECK(scene.guard.closed(scene.far(guest)));
  CHECK(scene.guard.closed(scene.far(member)));
  // It had gone before accepted() could see it: nobody knows it.
  CHECK_FALSE(scene.guard.closed(scene.far(member)));
}

TEST_CASE("the time that this process slept is not the peers' silence") {
  Scene scene;
  const std::size_t peer = scene.connection(1);
  scene.inspect();
  scene.hears(peer, 1);
  scene.inspect(3'600'000);
  CHECK_FALSE(scene.is_cut(peer));
}

TEST_CASE("pending connections: few from an address, and the busiest makes room") {
  Scene scene;
  for (int i = 0; i < 4; ++i) scene.connection(1);
  CHECK_FALSE(scene.is_cut(2));
  CHECK(scene.is_cut(3));
  scene.connection(2);
  CHECK_FALSE(scene.is_cut(4));
  scene.connection(3);
  CHECK(scene.is_cut(0));
  CHECK_FALSE(scene.is_cut(4));
  CHECK_FALSE(scene.is_cut(5));
}

TEST_CASE(
    "guests: some for each address; the idle make room, the others are told that it is full") {
  Scene scene;
  CHECK(scene.hears(scene.connection(1), 0) == Standing::welcome);
  CHECK(scene.hears(scene.connection(1), 0) == Standing::welcome);
  CHECK(scene.hears(scene.connection(1), 0) == Standing::full_for_address);
  CHECK(scene.hears(2, 0) == Standing::leaving);
  CHECK_FALSE(scene.is_cut(2));  // the answer must reach it
  scene.inspect(600);
  CHECK(scene.is_cut(2));
  scene.hears(1, 0);
  CHECK(scene.hears(scene.connection(1), 0) == Standing::welcome);
  CHECK(scene.is_cut(0));  // asked nothing for longest
  // Behind the same address a member is no guest.
  CHECK(scene.hears(scene.connection(1), 7) == Standing::welcome);
  // In all: from a busy address nobody comes in, from a less busy one one does, at its cost.
  CHECK(scene.hears(scene.connection(2), 0) == Standing::welcome);
  CHECK(scene.hears(scene.connection(2), 0) == Standing::welcome);
  CHECK(scene.hears(scene.connection(3), 0) == Standing::welcome);
  CHECK(scene.lines.back().find("its address has the most") != std::string::npos);
}

TEST_CASE("an account's oldest connection makes room for its newest, nobody else's") {
  Scene scene;
  for (const std::uint8_t account : Accounts{1, 2, 1, 1}) {
    CHECK(scene.hears(scene.connection(1), account) == Standing::welcome);
  }
  CHECK(scene.is_cut(0));
  for (const std::size_t other : {1U, 2U, 3U}) CHECK_FALSE(scene.is_cut(other));
  scene.guard.dismiss(key(2), scene.now_ms);
  CHECK(scene.hears(1, 2) == Standing::leaving);
  scene.inspect(600);
  CHECK(scene.is_cut(1));
}

TEST_CASE("what a gone connection said says nothing about the next with its descriptor") {
  Scene scene;
  for (int i = 0; i < 2; ++i) CHECK(scene.hears(scene.connection(1), 0) == Standing::welcome);
  const std::size_t gone = scene.connection(1);
  const std::size_t next = scene.replace(gone, 1);
  // A third guest from there would have to leave, and an account's connections are counted.
  CHECK(scene.hears_late(gone, next, 0) == Standing::welcome);
  CHECK(scene.hears_late(gone, next, 5) == Standing::welcome);
  scene.guard.cut(scene.far(next), gone + 1, "it chose its routing id itself", scene.lines);
  CHECK(scene.hears(next, 5) == Standing::welcome);
  CHECK(scene.hears_late(gone, next, 0) == Standing::welcome);
  scene.guard.dismiss(key(9), scene.now_ms);
  scene.inspect(600);
  CHECK_FALSE(scene.is_cut(next));
  CHECK(scene.lines.empty());
  scene.guard.cut(scene.far(next), next + 1, "it chose its routing id itself", scene.lines);
  CHECK(scene.is_cut(next));
}

TEST_CASE("an event flood is a few lines and one summary a minute and kind") {
  EventDigest digest;
  std::uint64_t now_ms = 500;
  const auto flood = [&](std::uint64_t events) {
    for (std::uint64_t i = 0; i < events; ++i, now_ms += 1) {
      digest.add(TransportEventKind::handshake_failed, i % 3 == 0 ? "192.0.2.1" : "192.0.2.2",
                 "a handshake failed", now_ms);
    }
  };
  flood(60'000);
  const std::vector<TransportEvent> told = digest.take(now_ms);
  REQUIRE(told.size() == 6);
  CHECK(told[4].text == "a handshake failed");
  CHECK(told[5].text ==
        "59995 more handshakes that failed in the last minute, 39997 of them: 192.0.2.2");
  CHECK(told[5].kind == TransportEventKind::handshake_failed);
  flood(60'000);  // goes on: only summed up
  CHECK(digest.take(now_ms).size() == 1);
  digest.add(TransportEventKind::peer_cut_off, "192.0.2.3", "cut off", now_ms);
  CHECK(digest.take(now_ms).size() == 1);  // another kind has lines of its own
  now_ms += 60'000;
  CHECK(digest.take(now_ms).size() <= 1);
  CHECK_FALSE(digest.has_counted());
  now_ms += 60'000;
  flood(1);  // after a quiet minute the first are told again
  CHECK(digest.take(now_ms).size() == 1);
}
