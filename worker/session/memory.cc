#include "worker/session/memory.h"

namespace gradmint::session {

void EvaluationMemory::write(Writer& w) const {
  w.hash(model_root);
  body.write(w);
}
void EvaluationMemory::read(Reader& r) {
  model_root = r.hash();
  body.read(r);
}

bool verify_receipt(ByteView receipt, const Hash& chain_id, const AttemptKey& key,
                    const AccountId& worker, const Hash& root,
                    const std::vector<Validator>& validators) {
  return receipt_signer(receipt, chain_id, key, worker, root, validators).has_value();
}

}  // namespace gradmint::session
