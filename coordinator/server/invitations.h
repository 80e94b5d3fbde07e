// One-time codes that admit a worker. Only the code's SHA-256 lies on disk; that each admits one
// worker is the ledger's rule. Files, so that codes can be made while the coordinator runs.
#pragma once

#include <filesystem>
#include <string>

#include "kernels/base/result.h"
#include "ledger/bytes.h"

namespace gradmint {

using InvitationCode = std::array<std::uint8_t, 16>;

class Invitations {
 public:
  explicit Invitations(std::filesystem::path directory) : directory_(std::move(directory)) {}
  Result<InvitationCode> create(const std::string& note) const;
  bool knows(const Hash& code_hash) const;

 private:
  std::filesystem::path directory_;
};

Hash invitation_hash(const InvitationCode& code);

}  // namespace gradmint
