#include "coordinator/server/invitations.h"

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <tuple>

#include "coordinator/server/home.h"
#include "ledger/durable_file.h"
#include "ledger/hash.h"
#include "ledger/json_input.h"
#include "ledger/json_text.h"

namespace gradmint {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr std::size_t kMaxFileBytes = 64 * 1024;
constexpr const char* kExtension = ".json";

std::uint64_t number_of(const json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_number_unsigned() ? at->get<std::uint64_t>() : 0;
}

Bytes text_of(const IssuedInvitation& invitation) {
  json object = {{"note", invitation.note},
                 {"endpoint", invitation.endpoint},
                 {"made_unix_ms", invitation.made_unix_ms}};
  if (invitation.revoked_unix_ms) object["revoked_unix_ms"] = *invitation.revoked_unix_ms;
  const std::string text = json_text(object) + "\n";
  return {text.begin(), text.end()};
}

Result<IssuedInvitation> read_invitation(const Disk& disk, const fs::path& file,
                                         const Hash& code_hash) {
  auto bytes = disk.read(file, kMaxFileBytes);
  if (!bytes) return bytes.error();
  const auto object =
      parse_untrusted_json({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  if (!object || !object->is_object()) {
    return Error{ErrorCode::corrupt, file.string() +
                                         " is damaged: remove it, which revokes its invitation, "
                                         "and write another"};
  }
  IssuedInvitation invitation;
  invitation.code_hash = code_hash;
  invitation.note = text_member(*object, "note").value_or("");
  invitation.endpoint = text_member(*object, "endpoint").value_or("");
  invitation.made_unix_ms = number_of(*object, "made_unix_ms");
  if (object->contains("revoked_unix_ms"))
    invitation.revoked_unix_ms = number_of(*object, "revoked_unix_ms");
  return invitation;
}

}  // namespace

Hash invitation_hash(const InvitationCode& code) { return sha256(code); }

fs::path Invitations::file_of(const Hash& code_hash) const {
  return directory_ / (to_hex(code_hash) + kExtension);
}

Result<InvitationCode> Invitations::create(const IssuedInvitation& terms) const {
  if (Status made = create_directory_synced(*disk_, directory_); !made) return made.error();
  InvitationCode code;
  const Hash random = random_hash();
  std::copy_n(random.bytes.begin(), code.size(), code.begin());
  const Status s = create_file(*disk_, file_of(invitation_hash(code)), text_of(terms), 0600);
  if (!s) return s.error();
  return code;
}

Result<std::optional<IssuedInvitation>> Invitations::find(const Hash& code_hash) const {
  const fs::path file = file_of(code_hash);
  if (!disk_->look(file).is_there()) return std::optional<IssuedInvitation>{};
  auto invitation = read_invitation(*disk_, file, code_hash);
  if (!invitation) return invitation.error();
  return std::optional<IssuedInvitation>(*std::move(invitation));
}

Result<std::vector<IssuedInvitation>> Invitations::all() const {
  std::vector<IssuedInvitation> found;
  std::vector<std::string> names;
  if (const int failed = disk_->list(directory_, names)) {
    if (failed == ENOENT) return found;
    return file_error("list", directory_, failed);
  }
  for (const fs::path name : names) {
    const auto code_hash = hash_from_hex(name.stem().string());
    if (!code_hash || name.extension() != kExtension) continue;
    auto invitation = read_invitation(*disk_, directory_ / name, *code_hash);
    if (!invitation) return invitation.error();
    found.push_back(*std::move(invitation));
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::tie(a.made_unix_ms, a.code_hash) < std::tie(b.made_unix_ms, b.code_hash);
  });
  return found;
}

Status Invitations::revoke(const Hash& code_hash, std::uint64_t now_unix_ms) const {
  auto invitation = find(code_hash);
  if (!invitation) return invitation.error();
  if (!*invitation) {
    return Error{ErrorCode::not_found, "no invitation " + to_hex(code_hash) + " was written here"};
  }
  (*invitation)->revoked_unix_ms = now_unix_ms;
  return replace_file(*disk_, file_of(code_hash), text_of(**invitation), 0600);
}

}  // namespace gradmint
