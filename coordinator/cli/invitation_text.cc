#include "coordinator/cli/invitation_text.h"

#include <algorithm>

#include "coordinator/cli/roster_text.h"
#include "kernels/base/printable.h"
#include "kernels/base/utc_text.h"

namespace gradmint {
namespace {

using nlohmann::json;

constexpr std::size_t kShownIdCharacters = 12;

std::string state_of(const InvitationLine& line) {
  return !line.used_by.empty() ? "used" : line.revoked ? "revoked" : "unused";
}

std::string made_text(const InvitationLine& line) {
  return line.made_unix_ms == 0 ? "-" : utc_text(line.made_unix_ms);
}

}  // namespace

json invitation_json(const InvitationLine& line) {
  const bool used = !line.used_by.empty();
  return {{"id", to_hex(line.code_hash)},
          {"note", line.note},
          {"made", line.made_unix_ms == 0 ? json() : json(made_text(line))},
          {"made_unix_ms", line.made_unix_ms == 0 ? json() : json(line.made_unix_ms)},
          {"endpoint", line.endpoint},
          {"state", state_of(line)},
          {"uses_left", used || line.revoked ? 0 : 1},
          {"used_by", used ? json(line.used_by) : json()},
          {"used_by_name", used ? json(line.used_by_name) : json()}};
}

std::string invitation_table(const std::vector<InvitationLine>& lines,
                             const std::string& endpoint) {
  if (lines.empty())
    return "no invitation has been written yet; new ones name " + printable(endpoint) + "\n";
  std::vector<std::vector<std::string>> rows = {{"id", "note", "made", "uses left", "state"}};
  bool moved = false;
  for (const InvitationLine& line : lines) {
    const std::string state = state_of(line);
    std::string text = state;
    if (state == "used") text += " by " + printable(line.used_by_name) + " " + line.used_by;
    const bool old = state == "unused" && !line.endpoint.empty() && line.endpoint != endpoint;
    if (old) text += ", names " + printable(line.endpoint);
    moved = moved || old;
    rows.push_back({to_hex(line.code_hash).substr(0, kShownIdCharacters), printable(line.note),
                    made_text(line), state == "unused" ? "1" : "0", text});
  }
  const std::string remedy =
      "; who holds one with another address joins with --coordinator " + printable(endpoint);
  return text_table(rows, {3}) + "new invitations name " + printable(endpoint) +
         (moved ? remedy : "") + "\n";
}

std::vector<InvitationLine> with_id(const std::vector<InvitationLine>& lines,
                                    const std::string& prefix) {
  std::vector<InvitationLine> found;
  std::copy_if(
      lines.begin(), lines.end(), std::back_inserter(found),
      [&](const InvitationLine& line) { return to_hex(line.code_hash).starts_with(prefix); });
  return found;
}

}  // namespace gradmint
