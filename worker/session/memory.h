// What of a session survives its process: written before anything that depends on it is sent, so
// that a restart neither trains twice nor says two different things. Pure.
#pragma once

#include <compare>
#include <vector>

#include "coordinator/protocol/messages.h"
#include "ledger/genesis.h"
#include "ledger/keys.h"
#include "ledger/records.h"
#include "ledger/scaler_records.h"

namespace gradmint::session {

// One attempt at one round: a worker commits to at most one update for each.
struct AttemptKey {
  std::uint64_t round = 0;
  std::uint32_t attempt = 0;
  auto operator<=>(const AttemptKey&) const = default;
};

// An update that lies on this disk, and what is said of it on the ledger.
struct UpdateMemory {
  AttemptKey key;
  Hash open_block;  // the commitment is bound to it
  Hash model_root;  // what it was trained from
  CommitUpdate body;
  Opening opening;
  Bytes receipt;  // the coordinator's, empty until it came
  void write(Writer& w) const;
  void read(Reader& r);
};

// Figures of this worker's own held-out data, and the salt that keeps them secret until revealed.
struct EvaluationMemory {
  Hash model_root;
  RevealEvaluation body;
  void write(Writer& w) const;
  void read(Reader& r);
};

struct Memory {
  Bytes genesis;                         // empty: never fetched
  std::vector<CertifiedHeader> headers;  // from height 1 on, each checked when it came
  std::vector<UpdateMemory> updates;
  std::vector<EvaluationMemory> evaluations;
  std::optional<StateSums> sums;  // as this worker states them, or has
};

// Salts are functions of a secret only this worker has: whoever restarts it finds the same ones.
Hash update_salt(const Hash& secret, const Hash& open_block, const Hash& root);
Hash evaluation_salt(const Hash& secret, std::uint64_t round, const Hash& model_root);

// The coordinator's signed word that an update is synced: root 32 || signature 64, over
// tagged_hash("gradmint/receipt/v1", chain || round u64 || attempt u32 || worker || root).
inline constexpr std::size_t kReceiptBytes = 96;
Hash receipt_digest(const Hash& chain_id, const AttemptKey& key, const AccountId& worker,
                    const Hash& root);
// True when it names `root` and one of the validators signed it.
bool verify_receipt(ByteView receipt, const Hash& chain_id, const AttemptKey& key,
                    const AccountId& worker, const Hash& root,
                    const std::vector<Validator>& validators);

}  // namespace gradmint::session
