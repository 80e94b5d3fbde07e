#include "ledger/audit/check_receipt.h"

#include <algorithm>

#include "ledger/entry_verdict.h"

namespace gradmint {
namespace {

std::string describe(const AttemptKey& key) {
  return "attempt " + std::to_string(key.attempt) + " of round " + std::to_string(key.round);
}

AttemptKey key_of(const Attempt& attempt) { return {attempt.round(), attempt.open.body.attempt}; }

const Attempt* find_attempt(const LedgerHistory& history, const AttemptKey& key) {
  const auto found = std::find_if(history.attempts.begin(), history.attempts.end(),
                                  [&](const Attempt& attempt) { return key_of(attempt) == key; });
  return found == history.attempts.end() ? nullptr : &*found;
}

// Every worker whose receipt it could be: who has committed to what the file says comes first, then
// who has committed at all, then everybody, since a ledger may lack the commitment as well.
std::vector<AccountId> candidates(const LedgerHistory& history, const Attempt* attempt,
                                  const Hash& commitment) {
  std::vector<AccountId> all;
  if (attempt != nullptr) {
    for (const auto& [worker, commit] : attempt->commits) {
      all.insert(commit.body.commitment == commitment ? all.begin() : all.end(), worker);
    }
  }
  for (const auto& [worker, registration] : history.workers) all.push_back(worker);
  return all;
}

AuditFault missing(const ReceiptCheck& check, const std::string& found) {
  return {check.height, "receipted_update_missing",
          "the update " + to_hex(check.root) + " of " + address_of(*check.worker) + " in " +
              describe(check.key),
          found};
}

void look_in_result(const Seen<RoundResult>& result, ReceiptCheck& check) {
  const auto& entries = result.body.entries;
  const auto entry = std::find_if(entries.begin(), entries.end(), [&](const ResultEntry& each) {
    return each.worker == *check.worker;
  });
  if (entry == entries.end()) {
    check.fault = missing(check, "none of the " + std::to_string(entries.size()) +
                                     " entries of the result is this worker's");
    return;
  }
  check.verdict = entry->verdict;
  if (!gave_update(entry->verdict)) {
    check.fault = missing(check, std::string(verdict_name(entry->verdict)));
  } else if (entry->opening && entry->opening->root != check.root) {
    check.fault = missing(check, "the update " + to_hex(entry->opening->root));
  } else {
    // Without an opening it was excluded at the close, before anybody had a receipt: the ledger
    // proves that refusal from the commitments alone.
    check.standing =
        entry->verdict == Verdict::ok ? ReceiptStanding::accepted : ReceiptStanding::refused;
  }
}

void look_in_abandonment(const Seen<AbandonRound>& abandoned, ReceiptCheck& check) {
  const auto openings = openings_of(abandoned.body);
  const auto own = openings.find(*check.worker);
  if (own == openings.end()) {
    check.fault = missing(check, "not among the " + std::to_string(openings.size()) +
                                     " updates with which the attempt was given up");
  } else if (own->second.root != check.root) {
    check.fault = missing(check, "the update " + to_hex(own->second.root));
  } else {
    check.standing = ReceiptStanding::given_up;
  }
}

}  // namespace

std::string_view receipt_standing_name(ReceiptStanding standing) {
  switch (standing) {
    case ReceiptStanding::accepted:
      return "accepted";
    case ReceiptStanding::refused:
      return "refused";
    case ReceiptStanding::given_up:
      return "given_up";
    case ReceiptStanding::pending:
      return "pending";
    case ReceiptStanding::not_honoured:
      break;
  }
  return "not_honoured";
}

ReceiptCheck check_receipt(const LedgerHistory& history, const Hash& chain_id,
                           const KeptUpdate& kept) {
  GRADMINT_CHECK(kept.receipt.size() == kReceiptBytes);
  ReceiptCheck check;
  check.key = kept.key;
  std::copy_n(kept.receipt.begin(), check.root.bytes.size(), check.root.bytes.begin());
  const Attempt* attempt = find_attempt(history, kept.key);
  for (const AccountId& worker : candidates(history, attempt, kept.body.commitment)) {
    check.signer = receipt_signer(kept.receipt, chain_id, kept.key, worker, check.root,
                                  history.genesis.validators);
    if (!check.signer) continue;
    check.worker = worker;
    check.digest = receipt_digest(chain_id, kept.key, worker, check.root);
    break;
  }
  if (!check.signer) {
    check.fault = AuditFault{0, "bad_signature",
                             "a validator's signature over chain " + to_hex(chain_id) + ", " +
                                 describe(kept.key) + ", one of its workers and the update " +
                                 to_hex(check.root),
                             "one of another chain or attempt, or of nobody"};
    return check;
  }
  if (attempt == nullptr) {
    check.fault = AuditFault{0, "attempt_missing", describe(kept.key),
                             history.attempts.empty()
                                 ? "a ledger without any round"
                                 : "the newest is " + describe(key_of(history.attempts.back()))};
    return check;
  }
  if (attempt->result) {
    check.height = attempt->result->height;
    check.transaction = attempt->result->transaction;
    look_in_result(*attempt->result, check);
  } else if (attempt->abandoned) {
    check.height = attempt->abandoned->height;
    check.transaction = attempt->abandoned->transaction;
    look_in_abandonment(*attempt->abandoned, check);
  } else {
    check.standing = ReceiptStanding::pending;
  }
  return check;
}

}  // namespace gradmint
