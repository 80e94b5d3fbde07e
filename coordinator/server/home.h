// A coordinator's home directory: where everything of it lies, and the lock that keeps a second one
// out.
//   config.toml   keys/{validator.json, signed, receipts, seed_chain, curve.json}
//   ledger/{db, blobs, checkpoint}
//   incoming/ (unfinished uploads)   invitations/   checkpoints/   run/ (admin socket)   log/
#pragma once

#include <filesystem>
#include <string>

#include "coordinator/order/signer.h"
#include "coordinator/protocol/curve.h"
#include "kernels/base/result.h"
#include "ledger/blobs.h"
#include "ledger/directory_lock.h"
#include "ledger/keys.h"

namespace gradmint {

struct Home {
  std::filesystem::path root;
  Disk* on = &posix_disk();

  Disk& disk() const { return *on; }

  std::filesystem::path config() const { return root / "config.toml"; }
  std::filesystem::path keys() const { return root / "keys"; }
  std::filesystem::path validator_key() const { return keys() / "validator.json"; }
  // What that key has signed (order/signer.h).
  SignerFiles signer_files() const { return {keys() / "signed", keys() / "receipts"}; }
  std::filesystem::path seed_chain() const { return keys() / "seed_chain"; }
  std::filesystem::path curve_key() const { return keys() / "curve.json"; }
  std::filesystem::path ledger() const { return root / "ledger"; }
  std::filesystem::path blobs() const { return ledger() / "blobs"; }
  BlobStore blob_store() const { return BlobStore(blobs(), disk()); }
  std::filesystem::path incoming() const { return root / "incoming"; }
  std::filesystem::path invitations() const { return root / "invitations"; }
  std::filesystem::path checkpoints() const { return root / "checkpoints"; }
  std::filesystem::path run() const { return root / "run"; }
  std::filesystem::path log() const { return root / "log" / "coordinator.log"; }
  // Endpoints of the running coordinator, one JSON line; gone when it stops politely.
  std::filesystem::path endpoints() const { return run() / "endpoints.json"; }
};

// The lock of a home, held for the life of a coordinator that runs in it; with it what an earlier
// one left of unfinished files is removed. busy names the directory when another runs there.
Result<DirectoryLock> lock_home(const Home& home);

// Mode 0700.
Status keep_to_owner(const std::filesystem::path& directory, Disk& disk = posix_disk());

Status write_curve_key(const std::filesystem::path& file, const CurveKeyPair& key,
                       Disk& disk = posix_disk());
Result<CurveKeyPair> read_curve_key(const std::filesystem::path& file, Disk& disk = posix_disk());

// 32 secret bytes in hexadecimal, mode 0600.
Status write_secret(const std::filesystem::path& file, const Hash& secret,
                    Disk& disk = posix_disk());
Result<Hash> read_secret(const std::filesystem::path& file, Disk& disk = posix_disk());

// 32 bytes from the operating system's generator.
Hash random_hash();

}  // namespace gradmint
