// What the soak program's attackers do, each on a thread of its own until it is stopped. They hold
// what an invitation holds, the endpoints and the server's key; with a member's key they come in at
// work too, say that they take part, and train nothing. Nothing that one of them meets ends it: it
// begins anew.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "coordinator/protocol/curve.h"

namespace gradmint::hostile {

class RawPeer;

struct Target {
  std::string join, work;  // endpoints on loopback
  Hash server_key;
  CurveKeyPair member;  // registered, and trains nothing
};

struct AttackCounts {
  std::atomic<std::uint64_t> connections{0};  // TCP
  std::atomic<std::uint64_t> handshakes{0};   // complete ones
  std::atomic<std::uint64_t> resets{0};       // timed: full_pipe sent, then RST
  std::atomic<std::uint64_t> sent_bytes{0};
};

// One that cannot be decrypted: a bent one, one with a used nonce, and what is no message at all.
// `which` is taken modulo their number.
constexpr unsigned kBadFrames = 5;
Bytes bad_frame(RawPeer& peer, unsigned which);

// More messages than a receive queue of libzmq's default would hold, in one piece that it reads at
// once, with ZMTP's own PINGs between them. 60 messages in less than 8192 bytes.
Bytes full_pipe(RawPeer& peer);

class Attack {
 public:
  explicit Attack(const Target& target) : target_(target) {}
  ~Attack() { stop(); }
  Attack(const Attack&) = delete;
  Attack& operator=(const Attack&) = delete;

  // Timed resets from several addresses, up to `limit` of them in all calls together.
  void start_resets(std::uint64_t limit);
  // Half-open connections, big handshake frames, messages that never end, frames that cannot be
  // decrypted, connection storms, requests without end and guests that only take places, at both
  // entrances.
  void start_floods();
  void stop();  // waits for all of them; they can be started again
  const AttackCounts& counts() const { return counts_; }

 private:
  using Work = std::function<void(Attack&, unsigned seed)>;
  void start(const Work& work, unsigned copies);
  bool wait(int ms) const;  // false: stopped
  void reset_once(unsigned seed, std::uint32_t& random);
  void resets(unsigned seed, std::uint64_t limit);
  bool come_in(RawPeer& peer, unsigned seed, bool at_work);
  void half_open(unsigned seed);
  void big_handshake(unsigned seed);
  void endless_message(unsigned seed);
  void storm(unsigned seed);
  void bad_frames(unsigned seed);
  void requests(unsigned seed);
  void guests(unsigned seed);

  Target target_;
  AttackCounts counts_;
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> threads_;
};

}  // namespace gradmint::hostile
