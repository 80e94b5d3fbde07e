// SHA-256 and the blob's Merkle root (on as many threads as the case says) over the bytes of one
// update. Bytes are those read; nothing is written, so of_memcpy (read plus write) says little
// here.
#include "benchmarks/cases.h"
#include "benchmarks/harness.h"
#include "ledger/hash.h"
#include "ledger/merkle.h"

namespace gradmint::benchmarks {
namespace {

template <class HashOf>
void add_hash(const char* name, int threads, HashOf hash_of) {
  add({name, threads, static_cast<double>(options().size * sizeof(float)), 0, 0,
       [=]() -> Result<Work> {
         return Work([=]() -> Status {
           const std::span<const float> update = updates()[0];
           const ByteView bytes(reinterpret_cast<const std::uint8_t*>(update.data()),
                                update.size_bytes());
           if (hash_of(bytes).is_zero()) return Error{ErrorCode::bad_input, "a hash of zeros"};
           return {};
         });
       }});
}

}  // namespace

void add_hashes(int threads) {
  if (threads == 1) add_hash("hash/sha256", 1, [](ByteView bytes) { return sha256(bytes); });
  add_hash("hash/blob_root", threads,
           [threads](ByteView bytes) { return blob_root(bytes, threads); });
}

}  // namespace gradmint::benchmarks
