#include "coordinator/server/invitations.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "coordinator/server/home.h"
#include "ledger/durable_file.h"
#include "ledger/hash.h"
#include "ledger/json_text.h"

namespace gradmint {

Hash invitation_hash(const InvitationCode& code) { return sha256(code); }

Result<InvitationCode> Invitations::create(const std::string& note) const {
  if (Status made = create_directory_synced(directory_); !made) return made.error();
  InvitationCode code;
  const Hash random = random_hash();
  std::copy_n(random.bytes.begin(), code.size(), code.begin());
  const auto file = directory_ / (to_hex(invitation_hash(code)) + ".json");
  const nlohmann::json json = {{"note", note}};
  if (Status s = create_file(file, as_bytes(json_text(json) + "\n"), 0600); !s) return s.error();
  return code;
}

bool Invitations::knows(const Hash& code_hash) const {
  std::error_code ignored;
  return std::filesystem::exists(directory_ / (to_hex(code_hash) + ".json"), ignored);
}

}  // namespace gradmint
