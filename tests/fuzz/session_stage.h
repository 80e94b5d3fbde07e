// A whole coordinator behind its real sockets, in this process: made once, from a home in a folder
// of its own that goes when the process ends. Two members are registered with it. One thread uses
// this; the coordinator has its own.
#pragma once

#include <array>
#include <atomic>
#include <filesystem>
#include <memory>
#include <thread>

#include "coordinator/server/coordinator.h"
#include "tests/hostile/raw_peer.h"

namespace gradmint::fuzz {

class SessionStage {
 public:
  static constexpr std::size_t kMembers = 2;
  static SessionStage& get();
  ~SessionStage();

  // A handshaken connection: members 0 … kMembers − 1 at work, strangers beyond them at join.
  // False where the coordinator would not have it (its handshakes are rationed).
  bool connect(hostile::RawPeer& peer, std::size_t who) const;
  // A statement of a member, encoded and signed as it would stand next, as far as is known: what
  // the ledger says was asked for by check_alive().
  Bytes statement(std::size_t member, TxType type, Bytes body);
  // What the coordinator says of itself; the round of its last RoundState.
  std::uint64_t round() const { return round_; }
  std::uint32_t attempt() const { return attempt_; }

  // The honest member asks for the round and is answered; ends the process where it is not.
  void check_alive();

 private:
  SessionStage();
  Message ask(hostile::RawPeer& peer, const Message& request);
  void enrol(std::size_t member);

  struct Member {
    SecretKey key;
    CurveKeyPair curve;
  };
  std::filesystem::path folder_;
  Hash server_key_, chain_id_;
  std::string join_, work_;
  std::vector<Member> members_;  // the last one is the honest one
  CurveKeyPair stranger_ = new_curve_key_pair();
  std::atomic<bool> stop_{false};
  std::unique_ptr<Coordinator> coordinator_;
  std::thread loop_;
  hostile::RawPeer honest_;
  std::uint64_t requests_ = 0, round_ = 0;
  std::uint32_t attempt_ = 0;
  Welcome tip_;
  std::array<std::uint64_t, kMembers> nonces_{};
};

}  // namespace gradmint::fuzz
