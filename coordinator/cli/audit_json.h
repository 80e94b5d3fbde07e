// What the audit commands print with --format json; the schemas are in docs/schemas. Amounts are
// decimal tokens, hashes hex, accounts addresses. Pure.
#pragma once

#include <nlohmann/json.hpp>

#include "kernels/base/result.h"
#include "ledger/audit/check_receipt.h"
#include "ledger/audit/contributions.h"
#include "ledger/audit/history.h"
#include "ledger/audit/report.h"
#include "ledger/stored_block.h"

namespace gradmint {

// Members stay in the order in which they were set: it is the order in which people read them.
using Json = nlohmann::ordered_json;

Json verify_json(const AuditReport& report);
Json export_json(const ExportReport& report);
// `signature` is the receipt's.
Json receipt_json(const LedgerHistory& history, const ReceiptCheck& check, ByteView signature);
Json contributions_json(const LedgerHistory& history, const ContributionFilter& filter);

// From a balance back to each mint, its rule, score, commitment, dataset and signer. With a round,
// of that round alone.
Json explain_json(const LedgerHistory& history, const AccountId& account,
                  std::optional<std::uint64_t> round);

Json block_json(const StoredBlock& stored);  // of a block that replayed
Json transaction_json(const SignedTransaction& transaction, std::uint64_t height,
                      std::uint64_t index);
Json round_json(const LedgerHistory& history, const Attempt& attempt);
Json worker_json(const LedgerHistory& history, const AccountId& account, const State& state);
Json dataset_json(const Hash& id, const Seen<RegisterDataset>& dataset);

// A key of the state, or how it begins, from its text: a letter alone ("j"), or a letter, a slash
// and the rest in hexadecimal ("a/da2b39"). bad_input where it is neither.
Result<std::string> state_prefix_from(const std::string& text);
// The entries whose key begins so, after the block of `height`.
Json state_json(const State& state, std::uint64_t height, const std::string& prefix);

// The body of a transaction, member by member.
Json body_json(const Transaction& transaction);
Json exponent_json(std::int16_t exponent);                 // null of an update of zeros
Json opening_json(const std::optional<Opening>& opening);  // null where nothing was revealed

}  // namespace gradmint
