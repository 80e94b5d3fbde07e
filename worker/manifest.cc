#include "worker/manifest.h"

#include "ledger/codec.h"
#include "ledger/hash.h"
#include "ledger/merkle.h"
#include "ledger/tags.h"

namespace gradmint {

Hash sample_salt(const Hash& secret, std::uint64_t row) {
  Writer writer;
  writer.hash(secret);
  writer.u64(row);
  return tagged_hash(tag::kSampleSalt, writer.view());
}

Hash sample_commitment(const Hash& salt, ByteView sample) {
  return Sha256().update(salt.view()).update(sample).finish();
}

DatasetManifest make_manifest(const Dataset& data, const Hash& secret, std::string origin,
                              std::string licence) {
  MerkleFrontier tree;
  for (std::uint64_t row = 0; row < data.rows(); ++row) {
    const Hash leaf = sample_commitment(sample_salt(secret, row), sample_bytes(data, row));
    tree.append(merkle_leaf_hash(leaf.view()));
  }
  return {tree.root(), data.rows(), data.schema, std::move(origin), std::move(licence)};
}

}  // namespace gradmint
