// SHA-256 and the blob's Merkle root over the bytes of updates, one update per thread. Bytes are
// those read; nothing is written, so of_memcpy (read plus write) says little here.
#include <span>

#include "benchmarks/cases.h"
#include "benchmarks/harness.h"
#include "kernels/parallel.h"
#include "ledger/hash.h"
#include "ledger/merkle.h"

namespace gradmint::benchmarks {
namespace {

ByteView bytes_of(std::span<const float> values) {
  return {reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()};
}

template <class HashOf>
void add_hash(const char* name, int threads, HashOf hash_of) {
  const auto count = static_cast<std::size_t>(threads);
  const auto bytes = static_cast<double>(count * options().size * sizeof(float));
  add({name, threads, bytes, 0, 0, [=]() -> Result<Work> {
         return Work([=]() -> Status {
           std::vector<Hash> hashes(count);
           kernels::parallel_for(threads, count, [&](std::size_t i, int) {
             hashes[i] = hash_of(bytes_of(updates()[i % options().updates]));
           });
           if (hashes[0].is_zero()) return Error{ErrorCode::bad_input, "a hash of zeros"};
           return {};
         });
       }});
}

}  // namespace

void add_hashes(int threads) {
  add_hash("hash/sha256", threads, [](ByteView bytes) { return sha256(bytes); });
  add_hash("hash/blob_root", threads, [](ByteView bytes) { return blob_root(bytes); });
}

}  // namespace gradmint::benchmarks
