#include "ledger/receipt.h"

#include <algorithm>

#include "ledger/hash.h"
#include "ledger/tags.h"

namespace gradmint {

Hash receipt_digest(const Hash& chain_id, const AttemptKey& key, const AccountId& worker,
                    const Hash& root) {
  Writer w;
  w.hash(chain_id);
  w.u64(key.round);
  w.u32(key.attempt);
  w.hash(worker);
  w.hash(root);
  return tagged_hash(tag::kReceipt, w.view());
}

Bytes make_receipt(const SecretKey& validator, const Hash& chain_id, const AttemptKey& key,
                   const AccountId& worker, const Hash& root) {
  const Signature signature = validator.sign(receipt_digest(chain_id, key, worker, root));
  Writer w;
  w.hash(root);
  w.raw(signature.bytes);
  return w.take();
}

std::optional<AccountId> receipt_signer(ByteView receipt, const Hash& chain_id,
                                        const AttemptKey& key, const AccountId& worker,
                                        const Hash& root,
                                        const std::vector<Validator>& validators) {
  if (receipt.size() != kReceiptBytes) return std::nullopt;
  if (!std::equal(root.bytes.begin(), root.bytes.end(), receipt.begin())) return std::nullopt;
  Signature signature;
  std::copy(receipt.begin() + 32, receipt.end(), signature.bytes.begin());
  const Hash digest = receipt_digest(chain_id, key, worker, root);
  for (const Validator& validator : validators) {
    if (verify_signature(validator.public_key, digest, signature)) {
      return account_of(validator.public_key);
    }
  }
  return std::nullopt;
}

void KeptUpdate::write(Writer& w) const {
  w.u64(key.round);
  w.u32(key.attempt);
  w.hash(open_block);
  w.hash(model_root);
  body.write(w);
  opening.write(w);
  w.bytes(receipt);
}
void KeptUpdate::read(Reader& r) {
  key.round = r.u64();
  key.attempt = r.u32();
  open_block = r.hash();
  model_root = r.hash();
  body.read(r);
  opening.read(r);
  receipt = r.bytes(kReceiptBytes);
}

}  // namespace gradmint
