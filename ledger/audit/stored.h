// What a store keeps beside its blocks (tip, checkpoint, state, indexes) against the replay.
#pragma once

#include "ledger/audit/history.h"
#include "ledger/ledger_reader.h"

namespace gradmint {

// Damage is a finding (store_corrupt); everything else that keeps a file from being read is an
// Error.
Status store_error_as_fault(const Error& error, std::uint64_t height, Finding& fault);

// checkpoint_missing, checkpoint_damaged, missing_block, checkpoint_mismatch.
Result<Finding> check_checkpoint(const StoreReader& store, const Tip& tip);
// wrong_tip.
Finding check_tip(const LedgerReader& ledger, const Chain& chain);
// checkpoint_mismatch where the checkpoint names another block of the past.
Result<Finding> check_acknowledged(const StoreReader& store, const Chain& chain);
// state_entry_missing, state_entry_unknown, wrong_state_entry.
Result<Finding> check_state(const StoreReader& store, const Chain& chain);
// wrong_transaction_index, wrong_account_index.
Result<Finding> check_indexes(const StoreReader& store, const Chain& chain,
                              const LedgerHistory& history);

}  // namespace gradmint
