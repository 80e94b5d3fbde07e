// Salts of commitments: functions of a secret that only one side has, so that it finds the same
// ones when it starts again. Pure.
#pragma once

#include "ledger/bytes.h"

namespace gradmint {

// Of a worker's commitment to an update of this root (tag::kUpdateSalt).
Hash update_salt(const Hash& secret, const Hash& open_block, const Hash& root);
// Of an evaluator's figures, a worker's or a validator's (tag::kEvaluationSalt).
Hash evaluation_salt(const Hash& secret, std::uint64_t round, const Hash& model_root);

}  // namespace gradmint
