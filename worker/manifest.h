// A dataset's manifest: what a worker registers before its first contribution. The samples stay
// private: each leaf is H(salt ‖ sample), and the salts come from a secret only the worker has, so
// nobody can test a guessed sample against the root. One leaf can be opened with its salt and path.
// Pure; thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "ledger/bytes.h"
#include "worker/data/dataset.h"

namespace gradmint {

struct DatasetManifest {
  Hash root;                // RFC 6962 over H(salt_i ‖ sample_i), i in row order
  std::uint64_t count = 0;  // samples
  std::string schema;       // what a row is
  std::string origin;       // where the data come from, in the owner's words
  std::string licence;
};

// salt_i is tag::kSampleSalt over the secret and i.
Hash sample_salt(const Hash& secret, std::uint64_t row);
// The data of leaf i (hashed with merkle_leaf_hash).
Hash sample_commitment(const Hash& salt, ByteView sample);

DatasetManifest make_manifest(const Dataset& data, const Hash& secret, std::string origin,
                              std::string licence);

}  // namespace gradmint
