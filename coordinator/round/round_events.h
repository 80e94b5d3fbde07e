// What can happen to a round and what it can ask for. Time is a number in every event; nothing here
// reads a clock, a socket or a file.
#pragma once

#include <map>
#include <string>
#include <variant>

#include "ledger/chain.h"
#include "ledger/execute_round.h"

namespace gradmint {

// The ledger's facts about the job, taken anew after every block.
struct RoundView {
  std::uint64_t height = 0;
  JobRecord job;
  std::optional<RoundRecord> round;  // the newest opened; absent before the first
  std::vector<AccountId> members;    // who may take part in the next round
  std::vector<std::pair<AccountId, CommitRecord>> commits;  // of the current attempt
  std::map<AccountId, EvaluationRecord> evaluations;        // of the current round
  // Members that gave no update in the last settled rounds, and how many in a row; where the next
  // statement may open a round.
  std::map<AccountId, std::uint64_t> missed;
  // On a chain whose scaler comes from its sites, until it is fixed: the members that have stated
  // their sums.
  std::optional<std::vector<AccountId>> stated;
};

RoundView view_of(const Chain& chain);

// ---- events
struct LedgerAdvanced {
  RoundView view;
};
struct Tick {};
struct WorkerHeard {  // any sign of life
  AccountId worker;
};
struct TrainingGivenUp {  // by its own word, or its commitment was refused for good; should it
                          // commit after all, that counts
  AccountId worker;
  std::uint64_t round = 0;
  std::string why = {};  // its word; empty: it gave none
};
struct PayloadStored {  // synced, and acknowledged to the worker
  AccountId worker;
  Opening opening;
};
struct PayloadUnusable {  // opened, but refused by its size or root; nothing more will come
  AccountId worker;
  Opening opening;
};
struct RevealGivenUp {  // what it sent does not open its commitment, or is not what it opened: its
                        // own
  AccountId worker;     // program gives up then. Should the payload come after all, that counts
};
struct ExecutionDone {
  std::uint64_t round = 0;
  std::uint32_t attempt = 0;
  RoundResult result;
  std::vector<PayloadRefusal> refusals;  // for people
  Verdict failure = Verdict::ok;  // not ok: these updates have no aggregate; the attempt ends
  std::string
      error;  // why not; with `failure` ok the machine failed, and no attempt would do better
};
struct EvaluationDone {
  std::uint64_t round = 0;
  RevealEvaluation figures;  // salt included
  std::string error;         // not empty: there are no figures
};
struct EvaluationGivenUp {  // by its own word, or its commitment was refused for good
  AccountId evaluator;
  std::uint64_t round = 0;
};
struct SumsGivenUp {  // its statement was refused for good
  AccountId worker;
};
struct PauseRequested {};
struct ResumeRequested {};

struct RoundEvent {
  std::uint64_t now_ms = 0;  // of one monotonic clock
  std::variant<Tick, LedgerAdvanced, WorkerHeard, TrainingGivenUp, PayloadStored, PayloadUnusable,
               RevealGivenUp, ExecutionDone, EvaluationDone, EvaluationGivenUp, PauseRequested,
               ResumeRequested, SumsGivenUp>
      what;
};

// ---- effects
struct Propose {  // sign with the validator's key and put into the next block
  TxType type = TxType::open_round;
  Bytes body;
};
struct ProposeEmptyBlock {};  // on-ledger timers count blocks
struct ProposeClose {         // needs the validator's next seed preimage: the shell completes it
  std::uint64_t round = 0;
  std::uint32_t attempt = 0;
};
struct ProposeScaler {  // from the statements, which the shell reads from the state
  std::uint32_t least_sites = 1;
};
struct Execute {  // aggregate; answer with ExecutionDone
  std::uint64_t round = 0;
  std::uint32_t attempt = 0;
  std::map<AccountId, Opening> openings;
};
struct Evaluate {  // answer with EvaluationDone
  std::uint64_t round = 0;
  Hash model_root;
};
struct Announce {};  // the round's public state changed: tell the workers
struct Halt {        // cannot go on by itself: pause and tell the operator
  std::string reason;
};
struct Finished {};  // the last round is settled

using RoundEffect = std::variant<Propose, ProposeEmptyBlock, ProposeClose, Execute, Evaluate,
                                 Announce, Halt, Finished, ProposeScaler>;
using RoundEffects = std::vector<RoundEffect>;

}  // namespace gradmint
