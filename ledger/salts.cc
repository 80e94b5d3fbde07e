#include "ledger/salts.h"

#include "ledger/codec.h"
#include "ledger/hash.h"
#include "ledger/tags.h"

namespace gradmint {

Hash update_salt(const Hash& secret, const Hash& open_block, const Hash& root) {
  Writer w;
  w.hash(secret);
  w.hash(open_block);
  w.hash(root);
  return tagged_hash(tag::kUpdateSalt, w.view());
}

Hash evaluation_salt(const Hash& secret, std::uint64_t round, const Hash& model_root) {
  Writer w;
  w.hash(secret);
  w.u64(round);
  w.hash(model_root);
  return tagged_hash(tag::kEvaluationSalt, w.view());
}

}  // namespace gradmint
