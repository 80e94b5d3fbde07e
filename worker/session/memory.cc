#include "worker/session/memory.h"

#include <algorithm>

#include "ledger/hash.h"

namespace gradmint::session {

void UpdateMemory::write(Writer& w) const {
  w.u64(key.round);
  w.u32(key.attempt);
  w.hash(open_block);
  w.hash(model_root);
  body.write(w);
  opening.write(w);
  w.bytes(receipt);
}
void UpdateMemory::read(Reader& r) {
  key.round = r.u64();
  key.attempt = r.u32();
  open_block = r.hash();
  model_root = r.hash();
  body.read(r);
  opening.read(r);
  receipt = r.bytes(kMaxReceiptBytes);
}

void EvaluationMemory::write(Writer& w) const {
  w.hash(model_root);
  body.write(w);
}
void EvaluationMemory::read(Reader& r) {
  model_root = r.hash();
  body.read(r);
}

Hash update_salt(const Hash& secret, const Hash& open_block, const Hash& root) {
  Writer w;
  w.hash(secret);
  w.hash(open_block);
  w.hash(root);
  return tagged_hash("gradmint/salt/v1", w.view());
}

Hash evaluation_salt(const Hash& secret, std::uint64_t round, const Hash& model_root) {
  Writer w;
  w.hash(secret);
  w.u64(round);
  w.hash(model_root);
  return tagged_hash("gradmint/evaluation-salt/v1", w.view());
}

Hash receipt_digest(const Hash& chain_id, const AttemptKey& key, const AccountId& worker,
                    const Hash& root) {
  Writer w;
  w.hash(chain_id);
  w.u64(key.round);
  w.u32(key.attempt);
  w.hash(worker);
  w.hash(root);
  return tagged_hash("gradmint/receipt/v1", w.view());
}

bool verify_receipt(ByteView receipt, const Hash& chain_id, const AttemptKey& key,
                    const AccountId& worker, const Hash& root,
                    const std::vector<Validator>& validators) {
  if (receipt.size() != kReceiptBytes) return false;
  if (!std::equal(root.bytes.begin(), root.bytes.end(), receipt.begin())) return false;
  Signature signature;
  std::copy(receipt.begin() + 32, receipt.end(), signature.bytes.begin());
  const Hash digest = receipt_digest(chain_id, key, worker, root);
  return std::any_of(validators.begin(), validators.end(), [&](const Validator& validator) {
    return verify_signature(validator.public_key, digest, signature);
  });
}

}  // namespace gradmint::session
