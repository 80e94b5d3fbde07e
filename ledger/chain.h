// The chain as a pure application: prepare a block, process (re-execute) one, commit it. Any
// ordering engine fits above it and any store below. Not thread safe.
//
//   prepare   candidates -> draft (which candidates stand, the block, what it changes)
//   process   someone's block -> the same draft, or the name of the first rule it breaks
//   commit    draft -> the new tip
#pragma once

#include <memory>

#include "kernels/base/result.h"
#include "ledger/apply.h"
#include "ledger/merkle.h"

namespace gradmint {

struct BlockDraft {
  Block block;
  Hash block_hash;
  std::vector<TransactionReceipt> receipts;
  StateChanges changes;
  SparseMerkleTree tree;
  std::vector<Verdict> verdicts;  // one for each candidate given to prepare
};

struct ProcessOptions {
  bool verify_signatures = true;
};

class Chain {
 public:
  // A chain at its genesis block. bad_input says why the genesis cannot start one here.
  static Result<Chain> start(GenesisRecord genesis);

  // A chain as it was after `headers.back()`: entries of the state, all block hashes. corrupt when
  // the entries do not give that header's state root.
  static Result<Chain> restore(GenesisRecord genesis, std::vector<Hash> history, Header tip,
                               State state);

  // time_ms is raised to one above the parent's where it is not later.
  BlockDraft prepare(const std::vector<SignedTransaction>& candidates, std::uint64_t time_ms,
                     const AccountId& proposer) const;
  Verdict process(const Block& block, const ProcessOptions& options, BlockDraft& out) const;
  void commit(BlockDraft draft);

  // Whether a transaction could stand in the next block, were it alone in it.
  Verdict check(const SignedTransaction& transaction) const;

  const GenesisRecord& genesis() const { return *genesis_; }
  const Hash& chain_id() const { return chain_id_; }
  const State& state() const { return state_; }
  const Header& tip() const { return tip_; }
  const Hash& tip_hash() const { return history_.back(); }
  std::uint64_t height() const { return tip_.height; }
  // Hashes of blocks 0 … height.
  const std::vector<Hash>& history() const { return history_; }
  // The genesis block's state, for the store's first batch.
  StateChanges genesis_changes() const;
  // Of how many columns each worker states its sums before the first round; 0: of none.
  std::size_t summed_columns() const { return summed_columns_; }

 private:
  Chain(GenesisRecord genesis, contracts::CompiledRule rule);
  ApplyContext context(bool verify_signatures) const;
  Verdict finish(const StateDelta& delta, BlockDraft& draft) const;

  std::shared_ptr<const GenesisRecord> genesis_;
  contracts::CompiledRule rule_;
  Hash chain_id_, params_hash_, validators_hash_;
  std::size_t summed_columns_ = 0;
  State state_;
  Header tip_;
  std::vector<Hash> history_;
  MerkleFrontier frontier_;
};

// The state that a genesis begins with.
StateChanges genesis_state(const GenesisRecord& genesis);

// Conservation by full sum: Σ balances = allocated + minted, issued = minted + carry, minted <=
// cap.
bool conservation_holds(const State& state, const GenesisRecord& genesis);

// Sender, recipient, suspended, rotated, ... and paid accounts of a block, sorted and unique.
std::vector<AccountId> touched_accounts(const Block& block,
                                        const std::vector<TransactionReceipt>& receipts);

}  // namespace gradmint
