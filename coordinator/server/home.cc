#include "coordinator/server/home.h"

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

#include "ledger/durable_file.h"
#include "ledger/keystore.h"

namespace gradmint {
namespace {
constexpr std::size_t kMaxKeyFileBytes = 4096;
constexpr unsigned kOwnerOnly = 0600;
}  // namespace

Status keep_to_owner(const std::filesystem::path& directory) {
  if (::chmod(directory.c_str(), 0700) == 0) return {};
  return file_error("set the permissions of", directory, errno);
}

Result<HomeLock> HomeLock::take(const Home& home) {
  if (Status made = create_directory_synced(home.run()); !made) return made.error();
  if (Status own = keep_to_owner(home.run()); !own) return own.error();
  const auto file = home.run() / "lock";
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly);
  if (fd < 0) return file_error("open", file, errno);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd);
    return Error{ErrorCode::busy, "another coordinator is running in " + home.root.string() +
                                      ": stop it first (gradmint coordinator stop --home " +
                                      home.root.string() + ")"};
  }
  return HomeLock(fd);
}
HomeLock::HomeLock(HomeLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
HomeLock& HomeLock::operator=(HomeLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
HomeLock::~HomeLock() {
  if (fd_ >= 0) ::close(fd_);
}

Status write_curve_key(const std::filesystem::path& file, const CurveKeyPair& key) {
  const nlohmann::json json = {{"public", to_hex(key.public_key)},
                               {"secret", to_hex(key.secret_key)}};
  return create_file(file, as_bytes(json.dump() + "\n"), kOwnerOnly);
}

Result<CurveKeyPair> read_curve_key(const std::filesystem::path& file) {
  if (Status own = refuse_when_others_can_read(file); !own) return own.error();
  auto bytes = read_file(file, kMaxKeyFileBytes);
  if (!bytes) return bytes.error();
  const auto json = nlohmann::json::parse(bytes->begin(), bytes->end(), nullptr, false);
  const auto damaged =
      Error{ErrorCode::corrupt, file.string() + " is not a CURVE key file: restore it from a copy"};
  if (!json.is_object() || !json.contains("secret") || !json["secret"].is_string()) return damaged;
  const auto secret = hash_from_hex(json["secret"].get<std::string>());
  if (!secret) return damaged;
  const auto key = curve_key_pair_of(*secret);
  if (!key || json.value("public", "") != to_hex(key->public_key)) return damaged;
  return *key;
}

Status write_secret(const std::filesystem::path& file, const Hash& secret) {
  return create_file(file, as_bytes(to_hex(secret) + "\n"), kOwnerOnly);
}

Result<Hash> read_secret(const std::filesystem::path& file) {
  if (Status own = refuse_when_others_can_read(file); !own) return own.error();
  auto bytes = read_file(file, kMaxKeyFileBytes);
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
