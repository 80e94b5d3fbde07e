#include "coordinator/cli/audit_show.h"

#include <algorithm>
#include <iterator>

namespace gradmint {
namespace {

Error bad_input(const std::string& message) { return {ErrorCode::bad_input, message}; }

std::optional<std::uint64_t> number_from(const std::string& text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

Result<Json> show_block(const OpenedLedger& opened, const std::string& which) {
  const auto height = number_from(which);
  if (!height) return bad_input("'" + which + "' is no height: give a number");
  const auto block = opened.source.ledger->block(*height);
  if (!block) return block.error();
  return block_json(*block);
}

Result<Json> show_round(const OpenedLedger& opened, const std::string& which,
                        const std::optional<std::uint64_t>& wanted) {
  const LedgerHistory& history = opened.replayed.history;
  const auto number = number_from(which);
  const Attempt* const newest = number ? history.find_round(*number) : nullptr;
  if (newest == nullptr) return no_such_round(history, which);
  const Attempt* const attempt = wanted ? history.find_attempt(*number, *wanted) : newest;
  if (attempt != nullptr) return round_json(history, *attempt);
  return bad_input("round " + which + " has no attempt " + std::to_string(*wanted) +
                   "; the last one is " + std::to_string(newest->open.body.attempt));
}

Result<Json> show_state(const OpenedLedger& opened, const std::string& which) {
  const auto prefix = state_prefix_from(which);
  if (!prefix) return prefix.error();
  const Chain& chain = opened.replayed.chain;
  const Json out = state_json(chain.state(), chain.height(), *prefix);
  if (!out["entries"].empty()) return out;
  return bad_input("the state after block " + std::to_string(chain.height()) +
                   " has no entry that begins with '" + which + "'");
}

constexpr std::size_t kLeastIdDigits = 8;

// All 64 digits, or as many as tell one of the ledger's from the others: tables show twelve.
Result<Hash> id_from(const std::string& which, const std::string& kind,
                     const std::vector<Hash>& ids) {
  std::string digits = which;
  if (digits.ends_with("..")) digits.resize(digits.size() - 2);
  if (digits.size() < kLeastIdDigits || digits.size() > 64 ||
      digits.find_first_not_of("0123456789abcdef") != digits.npos) {
    return bad_input("'" + which + "' is no " + kind + " id: 64 hexadecimal digits, or the first " +
                     std::to_string(kLeastIdDigits) + " or more of them");
  }
  std::vector<Hash> found;
  std::copy_if(ids.begin(), ids.end(), std::back_inserter(found),
               [&](const Hash& id) { return to_hex(id).starts_with(digits); });
  if (found.empty()) return bad_input("the ledger has no " + kind + " '" + which + "'");
  if (found.size() > 1) {
    return bad_input("the ledger has " + std::to_string(found.size()) + " " + kind +
                     " ids that begin with '" + digits + "': give more digits");
  }
  return found.front();
}

Result<std::vector<SignedTransaction>> transactions_at(const OpenedLedger& opened,
                                                       std::uint64_t height) {
  const auto block = opened.source.ledger->block(height);
  if (!block) return block.error();
  std::vector<SignedTransaction> transactions;
  if (decode_transactions(block->transactions, transactions) != Verdict::ok) {
    return Error{ErrorCode::corrupt,
                 "block " + std::to_string(height) + " is damaged: run gradmint audit verify"};
  }
  return transactions;
}

Result<Json> show_transaction(const OpenedLedger& opened, const std::string& which) {
  std::vector<Hash> ids;
  if (const auto whole = hash_from_hex(which)) {
    ids.push_back(*whole);
  } else {
    for (std::uint64_t height = 1; height <= opened.replayed.chain.height(); ++height) {
      const auto transactions = transactions_at(opened, height);
      if (!transactions) return transactions.error();
      for (const SignedTransaction& each : *transactions) ids.push_back(each.id);
    }
  }
  const auto id = id_from(which, "transaction", ids);
  if (!id) return id.error();
  const auto place = opened.source.ledger->find_transaction(*id);
  if (!place) return place.error();
  if (!*place) return bad_input("the ledger has no transaction " + which);
  const auto transactions = transactions_at(opened, (*place)->first);
  if (!transactions) return transactions.error();
  if ((*place)->second >= transactions->size()) {
    return Error{ErrorCode::corrupt, "the transaction index is damaged: run gradmint audit verify"};
  }
  return transaction_json((*transactions)[(*place)->second], (*place)->first, (*place)->second);
}

Result<Json> show_worker(const OpenedLedger& opened, const std::string& which) {
  const auto account = account_from(which);
  if (!account) return account.error();
  if (!opened.replayed.chain.state().find(state_key::account(*account))) {
    return bad_input("the ledger knows no account " + which);
  }
  return worker_json(opened.replayed.history, *account, opened.replayed.chain.state());
}

Result<Json> show_dataset(const OpenedLedger& opened, const std::string& which) {
  const auto& datasets = opened.replayed.history.datasets;
  std::vector<Hash> ids;
  for (const auto& [each, seen] : datasets) ids.push_back(each);
  const auto id = id_from(which, "dataset", ids);
  if (!id) return id.error();
  Json out = {{"schema", "gradmint/audit-dataset/1"}};
  out.update(dataset_json(*id, datasets.at(*id)));
  return out;
}

}  // namespace

Result<AccountId> account_from(const std::string& address) {
  const auto account = parse_address(address);
  if (account) return *account;
  return bad_input("'" + address + "' is no address: an address begins with gm1");
}

Error no_such_round(const LedgerHistory& history, const std::string& which) {
  const auto& attempts = history.attempts;
  return bad_input("the ledger has no round '" + which + "'; " +
                   (attempts.empty()
                        ? "none has begun yet"
                        : "the last one is " + std::to_string(attempts.back().round())));
}

Result<Json> show_part(const OpenedLedger& opened, const std::string& what,
                       const std::string& which, const std::optional<std::uint64_t>& attempt) {
  if (what == "block") return show_block(opened, which);
  if (what == "round") return show_round(opened, which, attempt);
  if (what == "tx") return show_transaction(opened, which);
  if (what == "worker") return show_worker(opened, which);
  if (what == "state") return show_state(opened, which);
  return show_dataset(opened, which);
}

}  // namespace gradmint
