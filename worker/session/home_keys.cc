// The parts of a home that are made once: lock, keys, and the coordinator it belongs to.
#include <openssl/rand.h>

#include <algorithm>

#include "coordinator/protocol/endpoint.h"
#include "ledger/durable_file.h"
#include "ledger/json_input.h"
#include "ledger/json_text.h"
#include "worker/session/home.h"

namespace gradmint::session {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr unsigned kPrivate = 0600;
constexpr std::size_t kMaxKeyFileBytes = 4096;

Error damaged(const fs::path& file) {
  return {ErrorCode::corrupt,
          file.string() + " is damaged: restore it from a copy, or start with a new home"};
}

// Keys are made for a first session; those of a later one are known to the ledger.
bool has_joined(const fs::path& home) { return fs::exists(home / "genesis"); }
Error gone(const fs::path& file) {
  return {ErrorCode::not_found, file.string() +
                                    " is gone: restore it from a copy, or join with a new home and "
                                    "a new invitation"};
}

Result<Hash> random_bytes() {
  Hash hash;
  if (RAND_bytes(hash.bytes.data(), static_cast<int>(hash.bytes.size())) != 1) {
    return Error{ErrorCode::io, "the operating system's random generator does not answer"};
  }
  return hash;
}

Result<std::string> read_text(const fs::path& file) {
  auto bytes = read_file(file, kMaxKeyFileBytes);
  if (!bytes) return bytes.error();
  std::string text(bytes->begin(), bytes->end());
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

Result<Json> read_json_object(const fs::path& file) {
  auto text = read_text(file);
  if (!text) return text.error();
  auto json = parse_untrusted_json(*text);
  if (!json || !json->is_object()) return damaged(file);
  return *json;
}

std::optional<Hash> hash_field(const Json& json, const char* name) {
  const auto field = json.find(name);
  if (field == json.end() || !field->is_string()) return std::nullopt;
  return hash_from_hex(field->get<std::string>());
}

Result<Hash> open_secret(const fs::path& file) {
  if (!fs::exists(file)) {
    auto secret = random_bytes();
    if (!secret) return secret;
    if (Status s = create_file(file, as_bytes(to_hex(*secret) + "\n"), kPrivate); !s) {
      return s.error();
    }
    return secret;
  }
  if (Status own = refuse_when_others_can_read(file); !own) return own.error();
  auto text = read_text(file);
  if (!text) return text.error();
  const auto secret = hash_from_hex(*text);
  if (!secret || secret->is_zero()) return damaged(file);
  return *secret;
}

Error damaged_connection(const fs::path& file) {
  return {ErrorCode::corrupt, file.string() +
                                  " is damaged: restore it from a copy, or give the invitation "
                                  "again, a used one too"};
}

Result<CurveKeyPair> open_curve(const fs::path& home) {
  const fs::path file = home / "keys" / "curve.json";
  if (fs::exists(file)) return read_curve(home);
  if (has_joined(home)) return gone(file);
  const CurveKeyPair pair = new_curve_key_pair();
  const Json json{{"public", to_hex(pair.public_key)}, {"secret", to_hex(pair.secret_key)}};
  if (Status s = create_file(file, as_bytes(json_text(json) + "\n"), kPrivate); !s)
    return s.error();
  return pair;
}

Status write_connection(const fs::path& file, const Connection& connection) {
  const Json json{{"join", connection.join_endpoint},
                  {"coordinator_curve_key", to_hex(connection.coordinator_key)},
                  {"chain_id", to_hex(connection.chain_id)},
                  {"code", to_hex(ByteView(connection.code))}};
  return replace_file(file, as_bytes(json_text(json) + "\n"), kPrivate);
}

}  // namespace

Result<CurveKeyPair> read_curve(const fs::path& home) {
  const fs::path file = home / "keys" / "curve.json";
  if (Status own = refuse_when_others_can_read(file); !own) return own.error();
  auto json = read_json_object(file);
  if (!json) return json.error();
  const auto secret = hash_field(*json, "secret");
  const auto pair = secret ? curve_key_pair_of(*secret) : std::nullopt;
  if (!pair || hash_field(*json, "public") != pair->public_key) return damaged(file);
  return *pair;
}

Result<Connection> read_connection(const fs::path& home) {
  const fs::path file = home / "connection.json";
  auto json = read_json_object(file);
  if (!json) {
    return json.error().code == ErrorCode::corrupt ? damaged_connection(file) : json.error();
  }
  const auto join = json->find("join");
  const auto code = json->find("code");
  const auto key = hash_field(*json, "coordinator_curve_key");
  const auto chain = hash_field(*json, "chain_id");
  if (join == json->end() || !join->is_string() || !key || !chain || code == json->end() ||
      !code->is_string() || !parse_tcp_endpoint(join->get<std::string>())) {
    return damaged_connection(file);
  }
  Connection connection{join->get<std::string>(), *key, *chain, {}};
  const auto bytes = from_hex(code->get<std::string>());
  if (!bytes || bytes->size() != connection.code.size()) return damaged_connection(file);
  std::copy(bytes->begin(), bytes->end(), connection.code.begin());
  return connection;
}

Result<AccountId> read_account(const fs::path& home) {
  const fs::path file = home / "keys" / "worker.json";
  auto json = read_json_object(file);
  if (!json) return json.error();
  const auto address = json->find("address");
  if (address == json->end() || !address->is_string()) return damaged(file);
  const auto account = parse_address(address->get<std::string>());
  if (!account) return damaged(file);
  return *account;
}

Result<WorkerHome> WorkerHome::open(const fs::path& directory,
                                    const std::optional<Invitation>& invitation,
                                    const fs::path& passphrase_file, const std::string& moved_to) {
  WorkerHome home(posix_disk(), directory);
  if (!moved_to.empty()) {
    if (Status s = check_reachable(moved_to); !s) return s.error();
  }
  if (!invitation && !fs::exists(directory / "connection.json")) {
    return Error{ErrorCode::bad_input, directory.string() +
                                           " has not joined a federation yet: give the invitation "
                                           "of its coordinator"};
  }
  if (Status s = home.take_directory(); !s) return s.error();
  if (Status s = create_directory_synced(directory / "keys"); !s) return s.error();
  if (Status s = home.open_connection(invitation, moved_to); !s) return s.error();
  if (Status s = home.open_keys(passphrase_file); !s) return s.error();
  return home;
}

Result<WorkerHome> WorkerHome::open(Disk& disk, const fs::path& directory, Identity identity) {
  WorkerHome home(disk, directory);
  if (Status s = home.take_directory(); !s) return s.error();
  home.key_ = identity.key;
  home.curve_ = identity.curve;
  home.secret_ = identity.secret;
  home.connection_ = std::move(identity.connection);
  return home;
}

Status WorkerHome::take_directory() {
  if (Status s = create_directory_synced(*disk_, directory_); !s) return s.error();
  auto lock = DirectoryLock::take(directory_,
                                  "another worker runs in " + directory_.string() +
                                      ": stop it, or give this one a home of its own",
                                  *disk_);
  if (!lock) return lock.error();
  lock_.emplace(*std::move(lock));
  remove_partial_files(*disk_, directory_);
  for (const char* folder : {"blobs", "rounds", "payloads", "residuals", "evidence"}) {
    if (Status s = create_directory_synced(*disk_, directory_ / folder); !s) return s;
  }
  return {};
}

Status WorkerHome::open_keys(const fs::path& passphrase_file) {
  const fs::path keys = directory_ / "keys";
  if (fs::exists(keys / "worker.next.json")) {
    return Error{ErrorCode::bad_input,
                 "a change of the keys in " + keys.string() +
                     " was begun: finish it with gradmint keys rotate --home " +
                     directory_.string() +
                     ", or remove worker.next.json there to keep the old ones"};
  }
  auto secret = open_secret(keys / "secret");
  if (!secret) return secret.error();
  secret_ = *secret;
  auto curve = open_curve(directory_);
  if (!curve) return curve.error();
  curve_ = *curve;
  const fs::path key_file = keys / "worker.json";
  const bool fresh = !fs::exists(key_file);
  if (fresh && has_joined(directory_)) return gone(key_file);
  auto passphrase = obtain_passphrase(passphrase_file, fresh);
  if (!passphrase) return passphrase.error();
  if (!fresh) {
    auto key = read_keystore(key_file, *passphrase);
    if (!key) return key.error();
    key_ = *key;
    return {};
  }
  auto key = generate_key();
  if (!key) return key.error();
  key_ = *key;
  return write_keystore(key_file, *key_, *passphrase);
}

Status WorkerHome::open_connection(const std::optional<Invitation>& invitation,
                                   const std::string& moved_to) {
  const fs::path file = directory_ / "connection.json";
  bool known = fs::exists(file);
  if (known) {
    auto connection = read_connection(directory_);
    const bool replaceable =
        invitation && !connection && connection.error().code == ErrorCode::corrupt;
    if (!connection && !replaceable) return connection.error();
    known = !replaceable;
    if (known) connection_ = *connection;
  }
  if (!invitation && moved_to.empty()) return {};
  if (invitation && known && connection_.chain_id != invitation->chain_id) {
    return Error{ErrorCode::bad_input, directory_.string() + " belongs to chain " +
                                           to_hex(connection_.chain_id) +
                                           ", the invitation is for " +
                                           to_hex(invitation->chain_id) + ": use another home"};
  }
  if (invitation) {
    connection_ = {invitation->join_endpoint, invitation->coordinator_curve_key,
                   invitation->chain_id, invitation->code};
  }
  if (!moved_to.empty()) connection_.join_endpoint = moved_to;
  return write_connection(file, connection_);
}

}  // namespace gradmint::session
