#include "coordinator/server/home.h"

#include <openssl/rand.h>

#include <nlohmann/json.hpp>

#include "ledger/durable_file.h"
#include "ledger/json_input.h"
#include "ledger/json_text.h"
#include "ledger/keystore.h"

namespace gradmint {
namespace {
constexpr std::size_t kMaxKeyFileBytes = 4096;
constexpr unsigned kOwnerOnly = 0600;
}  // namespace

Status keep_to_owner(const std::filesystem::path& directory, Disk& disk) {
  const int failed = disk.set_mode(directory, 0700);
  if (failed == 0) return {};
  return file_error("set the permissions of", directory, failed);
}

Result<DirectoryLock> lock_home(const Home& home) {
  const std::string root = home.root.string();
  auto lock =
      DirectoryLock::take(home.root,
                          "another coordinator is running in " + root +
                              ": stop it first (gradmint coordinator stop --home " + root + ")",
                          home.disk());
  if (!lock) return lock;
  if (Status made = create_directory_synced(home.disk(), home.run()); !made) return made.error();
  if (Status own = keep_to_owner(home.run(), home.disk()); !own) return own.error();
  remove_partial_files(home.disk(), home.root);
  return lock;
}

Status write_curve_key(const std::filesystem::path& file, const CurveKeyPair& key, Disk& disk) {
  const nlohmann::json json = {{"public", to_hex(key.public_key)},
                               {"secret", to_hex(key.secret_key)}};
  return create_file(disk, file, as_bytes(json_text(json) + "\n"), kOwnerOnly);
}

Result<CurveKeyPair> read_curve_key(const std::filesystem::path& file, Disk& disk) {
  if (Status own = refuse_when_others_can_read(file, disk); !own) return own.error();
  auto bytes = disk.read(file, kMaxKeyFileBytes);
  if (!bytes) return bytes.error();
  const auto json =
      parse_untrusted_json({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  const auto damaged =
      Error{ErrorCode::corrupt, file.string() + " is not a CURVE key file: restore it from a copy"};
  if (!json || !json->is_object()) return damaged;
  const auto secret = hash_from_hex(text_member(*json, "secret").value_or(""));
  if (!secret) return damaged;
  const auto key = curve_key_pair_of(*secret);
  if (!key || text_member(*json, "public") != to_hex(key->public_key)) return damaged;
  return *key;
}

Status write_secret(const std::filesystem::path& file, const Hash& secret, Disk& disk) {
  return create_file(disk, file, as_bytes(to_hex(secret) + "\n"), kOwnerOnly);
}

Result<Hash> read_secret(const std::filesystem::path& file, Disk& disk) {
  if (Status own = refuse_when_others_can_read(file, disk); !own) return own.error();
  auto bytes = disk.read(file, kMaxKeyFileBytes);
  if (!bytes) return bytes.error();
  std::string text(bytes->begin(), bytes->end());
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const auto secret = hash_from_hex(text);
  if (!secret) {
    return Error{ErrorCode::corrupt,
                 file.string() + " does not hold 64 hexadecimal digits: restore it from a copy"};
  }
  return *secret;
}

Hash random_hash() {
  Hash hash;
  GRADMINT_CHECK(RAND_bytes(hash.bytes.data(), static_cast<int>(hash.bytes.size())) == 1);
  return hash;
}

}  // namespace gradmint
