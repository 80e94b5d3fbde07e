// A worker's directory: keys, the coordinator it belongs to, and what its session must not forget.
// Held by one process at a time. Everything that is promised to the coordinator is synced before it
// is said. Not thread safe, except that blobs() may be read from any thread.
//   keys/worker.json keys/curve.json keys/secret   connection.json   genesis   headers.log
//   blobs/   rounds/000012-0/update   rounds/evaluation-000012   rounds/sums   evidence/
//   payloads/000012-0 and residuals/000012-0, of the last rounds alone
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "coordinator/protocol/curve.h"
#include "coordinator/protocol/invitation.h"
#include "coordinator/protocol/payload.h"
#include "ledger/blobs.h"
#include "ledger/directory_lock.h"
#include "ledger/keystore.h"
#include "worker/session/memory.h"

namespace gradmint::session {

// The coordinator a home belongs to.
struct Connection {
  std::string join_endpoint;
  Hash coordinator_key;
  Hash chain_id;
  std::array<std::uint8_t, 16> code{};
};

// Parts of a home, read without its lock or passphrase. not_found, or corrupt naming the file.
Result<Connection> read_connection(const std::filesystem::path& home);
Result<CurveKeyPair> read_curve(const std::filesystem::path& home);
Result<AccountId> read_account(const std::filesystem::path& home);

class WorkerHome {
 public:
  // Makes what is missing. An invitation to another chain than the home's is refused; to the same
  // one, its address is taken over. busy: another process holds the home.
  // `moved_to`: where that coordinator is reached now, in place of the address in either; or empty.
  static Result<WorkerHome> open(const std::filesystem::path& directory,
                                 const std::optional<Invitation>& invitation,
                                 const std::filesystem::path& passphrase_file,
                                 const std::string& moved_to = "");
  // For a worker whose keys are held elsewhere: the directory keeps none. Otherwise as open.
  struct Identity {
    SecretKey key;
    CurveKeyPair curve;
    Hash secret;
    Connection connection;
  };
  static Result<WorkerHome> open(Disk& disk, const std::filesystem::path& directory,
                                 Identity identity);

  struct SavedFork {
    std::filesystem::path file;
    CertifiedHeader first;  // empty where it is the genesis block
  };

  const SecretKey& key() const { return *key_; }
  const CurveKeyPair& curve() const { return curve_; }
  const Hash& secret() const { return secret_; }
  const Connection& connection() const { return connection_; }
  const std::filesystem::path& directory() const { return directory_; }
  const BlobStore& blobs() const { return blobs_; }

  // All that earlier sessions kept. A header cut short by a crash is dropped; other damage is
  // `corrupt`.
  Result<Memory> load_memory();

  Status save_genesis(const Bytes& genesis);
  Status save_header(const CertifiedHeader& header);
  // Both headers of a fork, as JSON. Gives the file.
  Result<SavedFork> save_fork(std::uint64_t height, const CertifiedHeader& other);
  // `residual` is what the payload's encoding lost, to be added to the update of the next round.
  Status save_update(const UpdateMemory& update, ByteView payload, std::span<const float> residual);
  // The file with the residual of the last update made in a round before this one. Empty where
  // there is no such update, or it lost nothing. The same for every attempt at a round.
  std::filesystem::path residual_before(std::uint64_t round) const;
  // Its values, as many as the model has; nothing where the path is empty. An Error names the file.
  static Result<std::vector<float>> read_residual(const Disk& disk,
                                                  const std::filesystem::path& file,
                                                  std::size_t count);
  Status save_receipt(const AttemptKey& key, const Bytes& receipt);
  Status save_evaluation(const EvaluationMemory& evaluation);
  Status save_sums(const StateSums& sums);
  Result<Payload> update_slice(const AttemptKey& key, std::uint64_t offset_bytes,
                               std::uint32_t length_bytes);

  // Downloads. look: complete and intact, or how much is there.
  struct Look {
    bool complete = false;
    std::uint64_t held_bytes = 0;
  };
  Look look_for_blob(const Hash& root) const;
  Status write_blob(const Hash& root, std::uint64_t offset_bytes, ByteView bytes);
  // False, and the download is dropped, when the bytes have another root.
  Result<bool> finish_blob(const Hash& root);
  void keep_blobs(const std::vector<Hash>& roots) const;

 private:
  WorkerHome(Disk& disk, std::filesystem::path directory)
      : disk_(&disk), directory_(std::move(directory)), blobs_(directory_ / "blobs", disk) {}
  Status take_directory();
  Status load_headers(Memory& memory);
  Status open_keys(const std::filesystem::path& passphrase_file);
  Status open_connection(const std::optional<Invitation>& invitation, const std::string& moved_to);
  std::vector<AttemptKey> attempts_in(const char* folder) const;
  std::filesystem::path attempt_dir(const AttemptKey& key) const;
  std::filesystem::path payload_file(const AttemptKey& key) const;
  std::filesystem::path part_file(const Hash& root) const;
  void prune_payloads() const;
  void prune_residuals(std::uint64_t round) const;

  Disk* disk_;
  std::filesystem::path directory_;
  BlobStore blobs_;
  std::optional<DirectoryLock> lock_;  // always there once open
  std::optional<SecretKey> key_;
  CurveKeyPair curve_;
  Hash secret_;
  Connection connection_;
  std::vector<std::uint64_t> header_offsets_;  // in headers.log, by height - 1
  std::uint64_t headers_end_ = 0;
  std::optional<AttemptKey> mapped_key_;
  std::shared_ptr<MappedFile> mapped_;
};

}  // namespace gradmint::session
