// One-time codes that admit a worker. Only the code's SHA-256 lies on disk, with what the operator
// knows of it; that each admits one worker, and whom it has admitted, is the ledger's. Files, one a
// code, so that codes can be made and revoked while the coordinator runs. Thread safe.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "kernels/base/result.h"
#include "ledger/bytes.h"
#include "ledger/disk.h"

namespace gradmint {

using InvitationCode = std::array<std::uint8_t, 16>;

struct IssuedInvitation {
  Hash code_hash;
  std::string note;                // for whom it is
  std::string endpoint;            // the address that it names
  std::uint64_t made_unix_ms = 0;  // 0: the file does not say
  std::optional<std::uint64_t> revoked_unix_ms{};
};

class Invitations {
 public:
  explicit Invitations(std::filesystem::path directory, Disk& disk = posix_disk())
      : directory_(std::move(directory)), disk_(&disk) {}

  // A fresh code for `terms`, whose code_hash is not looked at.
  Result<InvitationCode> create(const IssuedInvitation& terms) const;
  // Nothing where this coordinator did not issue it. corrupt names the file.
  Result<std::optional<IssuedInvitation>> find(const Hash& code_hash) const;
  // The oldest first.
  Result<std::vector<IssuedInvitation>> all() const;
  // Its code admits nobody from now on. not_found where there is none of that hash.
  Status revoke(const Hash& code_hash, std::uint64_t now_unix_ms) const;

 private:
  std::filesystem::path file_of(const Hash& code_hash) const;
  std::filesystem::path directory_;
  Disk* disk_;
};

Hash invitation_hash(const InvitationCode& code);

}  // namespace gradmint
