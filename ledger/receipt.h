// A coordinator's signed word to a worker that its update is synced, and what a worker keeps of
// each update beside it: whoever has a receipt and the ledger can tell whether it was honoured
// (ledger/audit/check_receipt.h). Pure.
#pragma once

#include <compare>

#include "ledger/genesis.h"
#include "ledger/keys.h"

namespace gradmint {

// One attempt at one round: a worker commits to at most one update for each.
struct AttemptKey {
  std::uint64_t round = 0;
  std::uint32_t attempt = 0;
  auto operator<=>(const AttemptKey&) const = default;
};

// root 32 ‖ signature 64, over tag::kReceipt (ledger/tags.h).
inline constexpr std::size_t kReceiptBytes = 96;
Hash receipt_digest(const Hash& chain_id, const AttemptKey& key, const AccountId& worker,
                    const Hash& root);
Bytes make_receipt(const SecretKey& validator, const Hash& chain_id, const AttemptKey& key,
                   const AccountId& worker, const Hash& root);
// Who signed it; nothing where it does not name `root` or none of the validators did.
std::optional<AccountId> receipt_signer(ByteView receipt, const Hash& chain_id,
                                        const AttemptKey& key, const AccountId& worker,
                                        const Hash& root, const std::vector<Validator>& validators);

// What a worker keeps of an update: a file of its home, rounds/<round>-<attempt>/update.
struct KeptUpdate {
  AttemptKey key;
  Hash open_block;  // the commitment is bound to it
  Hash model_root;  // what it was trained from
  CommitUpdate body;
  Opening opening;
  Bytes receipt;  // empty until it came
  void write(Writer& w) const;
  void read(Reader& r);
};

}  // namespace gradmint
