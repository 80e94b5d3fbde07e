// The list of invitations, for people and as JSON. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ledger/bytes.h"

namespace gradmint {

struct InvitationLine {
  Hash code_hash;  // what it is called: its first characters will do
  std::string note, endpoint;
  std::uint64_t made_unix_ms = 0;  // 0: not known
  bool revoked = false;
  std::string used_by, used_by_name;  // address and name; empty: not used
};

// {"id", "note", "made", "made_unix_ms", "endpoint", "state", "uses_left", "used_by",
// "used_by_name"}
nlohmann::json invitation_json(const InvitationLine& line);
// `endpoint`: what new invitations name. Those still unused that name another say what to do.
std::string invitation_table(const std::vector<InvitationLine>& lines, const std::string& endpoint);

// Those whose id begins so.
std::vector<InvitationLine> with_id(const std::vector<InvitationLine>& lines,
                                    const std::string& prefix);

}  // namespace gradmint
