// The rules of the ledger: whether a transaction may stand, and what it changes. One function a
// transaction type, checks from top to bottom, each with its own verdict; nothing is written before
// the last check has passed. Pure.
#pragma once

#include "ledger/block.h"
#include "ledger/scaler_records.h"
#include "ledger/state.h"

namespace gradmint {

struct ApplyContext {
  const GenesisRecord& genesis;
  const Hash& chain_id;
  const contracts::CompiledRule& rule;
  const std::vector<Hash>& history;  // hashes of blocks 0 … height-1
  std::uint64_t height = 0;          // of the block being executed
  bool verify_signatures = true;     // off only where the same bytes were verified before
  std::size_t summed_columns = 0;    // of the genesis' contract (ledger/scaler.h)
};

// Checks the envelope, then the body's own rule; on ok the changes are in `state` and what else
// happened in `receipt`. On any other verdict `state` is untouched.
Verdict apply_transaction(const SignedTransaction& transaction, const ApplyContext& context,
                          StateDelta& state, TransactionReceipt& receipt);

namespace apply {

// The body rules, one for each type; `body` decoded, the sender known (or, for register_worker,
// new).
using Sender = AccountId;
Verdict register_worker(const RegisterWorker& body, const Sender& sender,
                        const ApplyContext& context, StateDelta& state);
Verdict register_dataset(const RegisterDataset& body, const Sender& sender,
                         const ApplyContext& context, StateDelta& state);
Verdict transfer(const Transfer& body, const Sender& sender, const ApplyContext& context,
                 StateDelta& state);
Verdict suspend_member(const SuspendMember& body, const Sender& sender, const ApplyContext& context,
                       StateDelta& state);
Verdict readmit_member(const ReadmitMember& body, const Sender& sender, StateDelta& state);
Verdict rotate_key(const RotateKey& body, const Sender& sender, const ApplyContext& context,
                   StateDelta& state);
Verdict open_round(const OpenRound& body, const Sender& sender, const ApplyContext& context,
                   StateDelta& state);
Verdict commit_update(const CommitUpdate& body, const Sender& sender, const ApplyContext& context,
                      StateDelta& state);
Verdict close_commits(const CloseCommits& body, const Sender& sender, StateDelta& state);
Verdict abandon_round(const AbandonRound& body, const Sender& sender, const ApplyContext& context,
                      StateDelta& state);
Verdict round_result(const RoundResult& body, const Sender& sender, const ApplyContext& context,
                     StateDelta& state);
Verdict commit_evaluation(const CommitEvaluation& body, const Sender& sender,
                          const ApplyContext& context, StateDelta& state);
Verdict reveal_evaluation(const RevealEvaluation& body, const Sender& sender,
                          const ApplyContext& context, StateDelta& state);
Verdict settle_round(const SettleRound& body, const Sender& sender, const ApplyContext& context,
                     StateDelta& state, TransactionReceipt& receipt);
Verdict state_sums(const StateSums& body, const Sender& sender, const ApplyContext& context,
                   StateDelta& state);
Verdict fix_scaler(const FixScaler& body, const Sender& sender, const ApplyContext& context,
                   StateDelta& state);

// Counts one more statement that serves no round, which its sender could repeat as often as it
// likes; all else is bounded by the round, or said once. Validators order the blocks: nothing is
// gained by counting theirs. ok, or too_many_statements; `account` is the caller's to put.
Verdict count_statement(const ApplyContext& context, const StateReader& state,
                        AccountRecord& account);

}  // namespace apply

}  // namespace gradmint
