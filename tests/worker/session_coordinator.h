// A small coordinator for tests of the session: a real chain (tests/ledger/world.h) behind the
// messages, rounds that open, close and settle by themselves. It sees every statement that is ever
// sent to it, and remembers each commitment.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "coordinator/protocol/messages.h"
#include "coordinator/protocol/payload.h"
#include "tests/ledger/world.h"
#include "worker/session/memory.h"

namespace gradmint::test {

struct SessionReply {
  Message message;
  Payload payload;
};

class SessionCoordinator {
 public:
  struct Options {
    std::size_t workers = 1;
    std::uint64_t parameters = 8;
    std::uint64_t rounds = 1;
    std::uint64_t phase_ms = 20'000;  // a phase that lasts longer goes on without the missing
    bool sites_scale = false;         // the scaler comes from the workers' sums
  };
  explicit SessionCoordinator(const Options& options);

  std::vector<SessionReply> answer(const AccountId& account, const Hash& curve_key,
                                   const Message& message, const Payload& payload,
                                   std::uint64_t now_ms);
  void tick(std::uint64_t now_ms);  // lets the round go on
  void restart();                   // forgets what is not on the ledger or stored whole

  RoundState round_state(const AccountId& account, std::uint64_t now_ms) const;
  bool finished() const { return settled_ >= options_.rounds; }
  std::uint64_t settled() const { return settled_; }
  std::uint64_t state_version() const { return version_; }  // grows when something changed

  World world;
  // Distinct commitments ever sent, standing or not.
  std::map<std::pair<AccountId, session::AttemptKey>, std::set<Hash>> commitments;
  std::map<std::pair<AccountId, std::uint64_t>, std::set<Hash>> evaluations;
  std::map<AccountId, std::set<Hash>> sums;  // likewise

 private:
  struct Upload {
    session::AttemptKey key;
    Opening opening;
    Bytes held;
    bool whole = false;
  };
  TransactionResult submit(ByteView bytes);
  std::vector<SessionReply> reveal(const AccountId& account, const RevealUpdate& m);
  std::vector<SessionReply> chunk(const AccountId& account, const UpdateChunk& m, ByteView bytes);
  SessionReply scaler() const;
  SessionReply receipt(const AccountId& account, const Upload& upload) const;
  void open_round();
  void end_revealing();
  bool is_due(std::uint64_t now_ms) const { return now_ms >= phase_since_ms_ + options_.phase_ms; }
  template <class Body>
  void state(const Body& body, std::uint64_t now_ms) {
    world.must(world.validator(), body);
    phase_since_ms_ = now_ms;
    ++version_;
  }

  Options options_;
  std::set<Hash> admitted_;
  std::set<Hash> standing_;  // ids of transactions in blocks
  std::map<AccountId, Upload> uploads_;
  std::uint64_t phase_since_ms_ = 0;
  std::uint64_t settled_ = 0;
  std::uint64_t version_ = 1;
};

}  // namespace gradmint::test
