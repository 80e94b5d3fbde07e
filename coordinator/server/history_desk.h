// What peers know of this chain's history: the newest block that a worker holds (Hello), and forks
// that a worker has found (ReportFork). Only what this chain's validators have signed counts. If it
// is not of this ledger, the ledger is an old copy, or the key has signed two histories: then
// nothing more may be signed here, nor after a restart (sign_guard.h), before the operator has seen
// to it.
#pragma once

#include <set>

#include "coordinator/protocol/server_end.h"
#include "coordinator/server/home.h"
#include "coordinator/server/reporter.h"

namespace gradmint {

enum class Claim {
  known,        // of this ledger, or nothing at all
  unproven,     // no header of this chain, or not certified
  ahead,        // certified, above this ledger's tip
  other_block,  // certified, at a height of this ledger, and not its block there
};
struct JudgedClaim {
  Claim claim = Claim::known;
  std::uint64_t height = 0;
  Hash block_hash;
};
// Workers that ran when the coordinator was started anew have called again by then.
inline constexpr std::uint64_t kHearMembersMs = 5000;

// Costs a signature only where the block is not known. Pure.
JudgedClaim judge_claim(const CertifiedHeader& claimed, const Chain& chain);

class HistoryDesk {
 public:
  HistoryDesk(const Orderer& orderer, const Reporter& reporter, const Home& home)
      : orderer_(orderer), reporter_(reporter), home_(home) {}

  // The refusal of a Hello whose newest block this ledger lacks. Nothing where it may stand, also
  // where this ledger has another at its height: who holds that finds it out, and keeps the
  // evidence.
  std::optional<Refusal> hear(const Hello& hello, const Inbound& inbound);
  // Pong when both headers are proven to be a fork, which is reported as a warning.
  Message answer(const ReportFork& report, const Inbound& inbound);

  // Whether members have had the time to say what they hold: since the first call either each of
  // them has been heard, or kHearMembersMs have passed. A copy of the whole home knows itself of
  // nothing newer, and a round that was under way in it would go on at once. `now_ms` is monotonic.
  bool members_heard(std::uint64_t now_ms);

  // Why nothing more may be signed, for whoever runs the coordinator; nothing while it may. Blocks
  // up to the height that the operator has vouched for are no reason.
  const std::optional<Error>& conflict() const { return conflict_; }

 private:
  std::optional<AccountId> account_of(const Inbound& inbound) const;
  std::string name_of(const Inbound& inbound) const;
  void stop_signing(const JudgedClaim& claim, const CertifiedHeader& header,
                    const std::string& who);

  const Orderer& orderer_;
  const Reporter& reporter_;
  Home home_;
  std::optional<Error> conflict_;
  std::set<AccountId> heard_;
  std::uint64_t hear_until_ms_ = 0;  // 0: not asked yet
  bool members_heard_ = false;
};

}  // namespace gradmint
