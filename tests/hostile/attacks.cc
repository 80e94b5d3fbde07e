#include "tests/hostile/attacks.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>

#include "coordinator/protocol/messages.h"
#include "kernels/base/check.h"
#include "tests/hostile/raw_peer.h"

namespace gradmint::hostile {
namespace {

// Handshakes are limited for each address; an attacker has many.
constexpr unsigned kAddresses = 32;
std::string address_of(unsigned seed) { return "127.0.1." + std::to_string(1 + seed % kAddresses); }

// Short turns, so that a stopped attack ends soon.
constexpr int kTurnMs = 200;
constexpr int kHandshakeMs = 2000;
// The client's default; heartbeats of libzmq had the same, and their moment is aimed at.
constexpr int kHeartbeatMs = 5000;

std::uint32_t next(std::uint32_t& random) {  // xorshift: any sequence will do
  random ^= random << 13;
  random ^= random >> 17;
  return random ^= random << 5;
}

}  // namespace

Bytes bad_frame(RawPeer& peer, unsigned which) {
  const Bytes message = encode_message(Ping{}, kKeepAliveId).value();
  Bytes frame = peer.encrypted(message, 0);
  switch (which % kBadFrames) {
    case 0:
      frame.back() ^= 1;
      return frame;
    case 1: {
      const Bytes once = frame;
      frame.insert(frame.end(), once.begin(), once.end());
      return frame;
    }
    case 2:
      return wire_frame(as_bytes(std::string_view("\x07MESSAGE", 8)), 0);
    case 3:
      return wire_frame(Bytes(200, 5), kWireCommand);
    default:
      return wire_frame(Bytes(1, 0), 0);
  }
}

Bytes full_pipe(RawPeer& peer) {
  const Bytes message = encode_message(Ping{}, kKeepAliveId).value();
  Bytes all;
  for (int i = 0; i < 60; ++i) {
    const Bytes frame = i > 20 && i % 2 == 0 ? peer.encrypted_ping() : peer.encrypted(message, 0);
    all.insert(all.end(), frame.begin(), frame.end());
  }
  GRADMINT_CHECK(all.size() < 8192);
  return all;
}

void Attack::start(const Work& work, unsigned copies) {
  for (unsigned i = 0; i < copies; ++i) {
    const unsigned seed = static_cast<unsigned>(threads_.size());
    threads_.emplace_back([this, work, seed] {
      // Attackers have machines of their own; here they share the members' and must not take the
      // time that those would have.
      setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), 15);
      while (!stopping_) work(*this, seed);
    });
  }
}

void Attack::stop() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  stopping_ = false;
}

bool Attack::wait(int ms) const {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  while (!stopping_ && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(ms, 20)));
  return !stopping_;
}

void Attack::start_resets(std::uint64_t limit) {
  start([limit](Attack& attack, unsigned seed) { attack.resets(seed, limit); }, 40);
}

void Attack::start_floods() {
  start([](Attack& attack, unsigned seed) { attack.half_open(seed); }, 2);
  start([](Attack& attack, unsigned seed) { attack.big_handshake(seed); }, 4);
  start([](Attack& attack, unsigned seed) { attack.endless_message(seed); }, 8);
  start([](Attack& attack, unsigned seed) { attack.bad_frames(seed); }, 2);
  start([](Attack& attack, unsigned seed) { attack.storm(seed); }, 1);
  start([](Attack& attack, unsigned seed) { attack.requests(seed); }, 4);
  start([](Attack& attack, unsigned seed) { attack.guests(seed); }, 2);
}

// The moments tried: at once, within a turn of the loop, and around a heartbeat of libzmq's.
void Attack::resets(unsigned seed, std::uint64_t limit) {
  std::uint32_t random = 0x9e3779b9u * (seed + 1);
  while (!stopping_) {
    if (counts_.resets >= limit) {
      if (!wait(kTurnMs)) return;
      continue;
    }
    reset_once(seed, random);
  }
}

void Attack::reset_once(unsigned seed, std::uint32_t& random) {
  RawPeer peer;
  if (!come_in(peer, seed, seed % 8 == 0)) {
    wait(kTurnMs);  // turned away for now
    return;
  }
  const std::uint32_t moment = next(random) % 10;
  const int hold_ms = moment < 4   ? 0
                      : moment < 9 ? static_cast<int>(next(random) % 20)
                                   : kHeartbeatMs - static_cast<int>(next(random) % 20);
  if (hold_ms > kHandshakeMs && !wait(hold_ms)) return;
  const Bytes pipe = full_pipe(peer);
  if (!peer.send_bytes(pipe, kTurnMs)) return;
  counts_.sent_bytes += pipe.size();
  if (hold_ms < kHandshakeMs) wait(hold_ms);
  peer.reset();
  ++counts_.resets;
}

// As many as the system takes, saying nothing, a greeting, or half a handshake.
void Attack::half_open(unsigned seed) {
  std::vector<RawPeer> held;
  for (unsigned i = 0; i < 400 && !stopping_; ++i) {
    RawPeer peer;
    ++counts_.connections;
    if (!peer.connect(i % 2 == 0 ? target_.join : target_.work, kTurnMs, address_of(seed + i)))
      break;
    if (i % 3 > 0) peer.send_greeting();
    if (i % 3 > 1) peer.send_hello(target_.server_key);
    held.push_back(std::move(peer));
  }
  wait(5 * kTurnMs);
}

// At work as the member, at join as anybody.
bool Attack::come_in(RawPeer& peer, unsigned seed, bool at_work) {
  ++counts_.connections;
  if (!peer.connect(at_work ? target_.work : target_.join, kTurnMs, address_of(seed)) ||
      !peer.shake_hands(target_.server_key, at_work ? target_.member : new_curve_key_pair(),
                        dealer_properties(), kHandshakeMs)) {
    return false;
  }
  ++counts_.handshakes;
  return true;
}

void Attack::big_handshake(unsigned seed) {
  RawPeer peer;
  ++counts_.connections;
  if (!peer.connect(seed % 2 == 0 ? target_.join : target_.work, kTurnMs, address_of(seed))) {
    wait(kTurnMs);
    return;
  }
  peer.send_greeting();
  const std::size_t bytes = (seed % 2 == 0 ? 500 : 4000) * std::size_t{1024};
  peer.send_bytes(wire_frame_head(bytes, kWireCommand));
  const Bytes piece(16 * 1024, 'x');
  for (std::size_t sent = 0; sent + piece.size() < bytes && !stopping_; sent += piece.size()) {
    if (!peer.send_bytes(piece, kTurnMs)) return;
    counts_.sent_bytes += piece.size();
  }
  wait(kTurnMs);
}

// One connection each: what is kept of them adds up.
void Attack::bad_frames(unsigned seed) {
  for (unsigned i = 0; !stopping_; ++i) {
    RawPeer peer;
    if (!come_in(peer, seed + i, i % 4 == 0)) {
      wait(kTurnMs);
      continue;
    }
    const Bytes frame = bad_frame(peer, i);
    peer.send_bytes(frame, kTurnMs);
    counts_.sent_bytes += frame.size();
    if (i % 2 == 0) peer.closed_within(kTurnMs);
  }
}

// Frames of one message, large ones or very many, that is never finished.
void Attack::endless_message(unsigned seed) {
  RawPeer peer;
  if (!come_in(peer, seed, seed % 2 == 0)) {
    wait(kTurnMs);
    return;
  }
  // Once it has said who it is, it may send more.
  if (!peer.send_frame(encode_message(Ping{}, kKeepAliveId).value(), 0, kTurnMs) ||
      !peer.receive(kTurnMs))
    return;
  const Bytes body(seed % 4 < 2 ? 256 * 1024 : 1, 'x');
  while (!stopping_) {
    const Bytes frame = peer.encrypted(body, RawPeer::kMore);
    if (!peer.send_bytes(frame, kTurnMs)) return;
    counts_.sent_bytes += frame.size();
  }
}

void Attack::storm(unsigned seed) {
  for (unsigned i = 0; !stopping_; ++i) {
    RawPeer peer;
    ++counts_.connections;
    if (!peer.connect(i % 2 == 0 ? target_.join : target_.work, kTurnMs, address_of(seed + i))) {
      if (!wait(kTurnMs)) return;
      continue;
    }
    if (i % 3 == 0) peer.send_greeting();
    if (i % 5 != 0) peer.reset();
    if (i % 64 == 0) wait(1);  // or a fast loopback has no port left
  }
}

// As fast as it goes, one in four of them no message at all. At work a member's own Pings: it says
// that it takes part, and trains nothing.
void Attack::requests(unsigned seed) {
  const bool at_work = seed % 2 == 0;
  RawPeer peer;
  if (!come_in(peer, seed, at_work)) {
    wait(kTurnMs);
    return;
  }
  const Bytes ping = encode_message(Ping{}, at_work ? 1 : kKeepAliveId).value();
  const Bytes garbage(900, 0xa5);
  for (unsigned i = 0; !stopping_; ++i) {
    if (!peer.send_frame(i % 4 == 3 ? garbage : ping, 0, kTurnMs)) return;
    counts_.sent_bytes += ping.size();
    if (i % 16 == 0) peer.receive(1);
  }
}

void Attack::guests(unsigned seed) {
  std::vector<RawPeer> held;
  for (unsigned i = 0; i < 64 && !stopping_; ++i) {
    RawPeer peer;
    if (!come_in(peer, seed + i, false)) {
      wait(kTurnMs);
      continue;
    }
    peer.send_frame(encode_message(Ping{}, kKeepAliveId).value(), 0, kTurnMs);
    held.push_back(std::move(peer));
  }
  wait(10 * kTurnMs);
}

}  // namespace gradmint::hostile
