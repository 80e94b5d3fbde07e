// Updates on their way up: one unfinished file a worker, checked against its root when whole, then
// a synced blob. Survives a restart: a file's whole chunks are kept and the worker resumes behind
// them. What a worker can make this hold is one payload of the agreed size. Not thread safe.
#pragma once

#include <filesystem>
#include <map>
#include <memory>

#include "kernels/base/result.h"
#include "ledger/blobs.h"
#include "ledger/merkle.h"
#include "ledger/records.h"
#include "ledger/verdict.h"

namespace gradmint {

class Uploads {
 public:
  Uploads(std::filesystem::path directory, BlobStore blobs);
  ~Uploads();

  // Admits a worker's upload (or finds the one under way) and says from where to go on. The whole
  // size is returned when the blob is already held, in that size.
  Result<std::uint64_t> begin(const AccountId& worker, const Opening& opening);

  struct Step {
    Verdict verdict = Verdict::ok;  // wrong_size: beyond the end; hash_mismatch: start again
    std::uint64_t next_offset_bytes = 0;
    bool finished = false;  // the blob is synced under its root
  };
  // Takes the bytes at `offset`; bytes already held are skipped, a gap is answered with what is
  // missing.
  Result<Step> add(const AccountId& worker, std::uint64_t offset_bytes, ByteView bytes);

  bool is_open(const AccountId& worker, const Hash& root) const;
  // Forgets every unfinished upload; called when a round's revealing is over.
  void clear();

 private:
  struct Open;
  std::filesystem::path file_of(const AccountId& worker, const Hash& root) const;

  std::filesystem::path directory_;
  BlobStore blobs_;
  std::map<AccountId, std::unique_ptr<Open>> open_;
};

}  // namespace gradmint
