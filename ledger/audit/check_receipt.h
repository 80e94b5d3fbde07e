// Whether a ledger honours the receipt that a worker was given for an update. Pure.
#pragma once

#include "ledger/audit/history.h"
#include "ledger/receipt.h"

namespace gradmint {

// Where the receipted update stands.
enum class ReceiptStanding : std::uint8_t {
  accepted,      // in the result of its attempt
  refused,       // there, by a verdict that follows from what the worker itself committed or sent
  given_up,      // the attempt has no result, and its end names the update: nobody else can use it
  pending,       // the attempt has not ended
  not_honoured,  // `fault` says why
};
std::string_view receipt_standing_name(ReceiptStanding standing);

struct ReceiptCheck {
  ReceiptStanding standing = ReceiptStanding::not_honoured;
  AttemptKey key;
  Hash root;                                // that the receipt names
  std::optional<AccountId> worker, signer;  // to whom and by whom; nothing: no signature holds
  Hash digest;                              // what the signer signed; zero where nobody did
  std::uint64_t height = 0;                 // of the block with the attempt's end, and its
  std::optional<Hash> transaction;          // statement there; nothing: there is none
  std::optional<Verdict> verdict;           // of the update's entry in the result
  Finding fault;                            // bad_signature, attempt_missing or
                                            // receipted_update_missing; else nothing
};

// `history` is of the chain `chain_id`. Which worker the receipt is for is found from who signed
// what, so nothing in `kept` is believed but the receipt itself. Precondition: it has one.
ReceiptCheck check_receipt(const LedgerHistory& history, const Hash& chain_id,
                           const KeptUpdate& kept);

}  // namespace gradmint
