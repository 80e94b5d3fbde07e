// What of a session survives its process: written before anything that depends on it is sent, so
// that a restart neither trains twice nor says two different things. Pure.
#pragma once

#include <vector>

#include "coordinator/protocol/messages.h"
#include "ledger/genesis.h"
#include "ledger/keys.h"
#include "ledger/receipt.h"
#include "ledger/records.h"
#include "ledger/salts.h"
#include "ledger/scaler_records.h"

namespace gradmint::session {

using gradmint::AttemptKey;

// An update that lies on this disk, and what is said of it on the ledger.
using UpdateMemory = KeptUpdate;

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

// True when the receipt names `root` and one of the validators signed it (ledger/receipt.h).
bool verify_receipt(ByteView receipt, const Hash& chain_id, const AttemptKey& key,
                    const AccountId& worker, const Hash& root,
                    const std::vector<Validator>& validators);

}  // namespace gradmint::session
