#include "ledger/keystore.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "ledger/durable_file.h"
#include "ledger/json_input.h"
#include "ledger/json_text.h"
#include "ledger/keystore_cipher.h"

namespace gradmint {

namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned kKeyFileMode = 0600;
constexpr std::size_t kKeyFileBytesMax = 64 * 1024;
constexpr std::uint32_t kFormatVersion = 1;

Error not_a_keystore(const std::filesystem::path& file) {
  return {ErrorCode::corrupt,
          "'" + file.string() + "' is not a keystore, or is damaged; restore it from a copy"};
}

template <std::size_t Size>
bool read_hex(const nlohmann::json& object, const char* name, std::array<std::uint8_t, Size>& out) {
  const auto bytes = from_hex(object.at(name).get<std::string>());
  if (!bytes || bytes->size() != Size) return false;
  std::ranges::copy(*bytes, out.begin());
  return true;
}

// The library casts any number to any type, where it does not fit as well.
std::optional<std::uint32_t> read_u32(const nlohmann::json& value) {
  if (!value.is_number_unsigned()) return std::nullopt;
  const auto whole = value.get<std::uint64_t>();
  if (whole > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(whole);
}

// Throws what nlohmann throws for a missing or mistyped member; false for a wrong value.
bool fill_from_json(const nlohmann::json& file, SealedKey& sealed) {
  const nlohmann::json& kdf = file.at("kdf");
  const nlohmann::json& cipher = file.at("cipher");
  const auto account = parse_address(file.at("address").get<std::string>());
  if (!account) return false;
  Hash checksum;
  sealed.account = *account;
  const auto log2_n = read_u32(kdf.at("log2_n"));
  if (!log2_n) return false;
  sealed.log2_n = *log2_n;
  const bool read =
      read_hex(file, "public_key", sealed.public_key.bytes) &&
      read_hex(kdf, "salt", sealed.salt.bytes) && read_hex(cipher, "nonce", sealed.nonce) &&
      read_hex(cipher, "ciphertext", sealed.ciphertext.bytes) &&
      read_hex(cipher, "tag", sealed.tag) && read_hex(file, "checksum", checksum.bytes);
  return read && kdf.at("name") == "scrypt" && kdf.at("r") == kScryptR && kdf.at("p") == kScryptP &&
         cipher.at("name") == "aes-256-gcm" && checksum == checksum_of(sealed);
}

Result<std::string> seal_to_json(const SecretKey& key, const std::string& passphrase,
                                 KeystoreCost cost) {
  if (passphrase.empty()) {
    return Error{ErrorCode::bad_input, "an empty passphrase protects nothing; give one"};
  }
  const auto sealed = seal_key(key, passphrase, cost.log2_n);
  if (!sealed.ok()) return sealed.error();
  return keystore_text(*sealed);
}

Result<SealedKey> load_sealed(const std::filesystem::path& file) {
  if (const Status own = refuse_when_others_can_read(file); !own.ok()) return own.error();
  const auto content = read_file(file, kKeyFileBytesMax);
  if (!content.ok()) return content.error();
  return parse_keystore(file, *content);
}

Result<SecretKey> open_sealed(const std::filesystem::path& file, const SealedKey& sealed,
                              const std::string& passphrase) {
  auto key = open_key(sealed, passphrase);
  if (key.ok() || key.error().code == ErrorCode::io) return key;
  return Error{ErrorCode::refused,
               "wrong passphrase for '" + file.string() + "', or the file was altered"};
}

}  // namespace

std::string keystore_text(const SealedKey& sealed) {
  const Json file = {
      {"gradmint_keystore", kFormatVersion},
      {"address", address_of(sealed.account)},
      {"public_key", to_hex(sealed.public_key)},
      {"kdf",
       {{"name", "scrypt"},
        {"log2_n", sealed.log2_n},
        {"r", kScryptR},
        {"p", kScryptP},
        {"salt", to_hex(sealed.salt)}}},
      {"cipher",
       {{"name", "aes-256-gcm"},
        {"nonce", to_hex(sealed.nonce)},
        {"ciphertext", to_hex(sealed.ciphertext)},
        {"tag", to_hex(sealed.tag)}}},
      {"checksum", to_hex(checksum_of(sealed))},
  };
  return json_text(file, 2) + "\n";
}

Result<SealedKey> parse_keystore(const std::filesystem::path& file, ByteView content) {
  const auto json =
      parse_untrusted_json({reinterpret_cast<const char*>(content.data()), content.size()});
  if (!json) return not_a_keystore(file);
  try {
    const auto version = read_u32(json->at("gradmint_keystore"));
    if (!version) return not_a_keystore(file);
    if (*version > kFormatVersion) {
      return Error{ErrorCode::unsupported,
                   "'" + file.string() + "' was written by a newer gradmint; use that one"};
    }
    SealedKey sealed;
    if (!fill_from_json(*json, sealed)) return not_a_keystore(file);
    return sealed;
  } catch (const nlohmann::json::exception&) {
    return not_a_keystore(file);
  }
}

Status refuse_when_others_can_read(const std::filesystem::path& file, Disk& disk) {
  const DiskEntry entry = disk.look(file);
  if (!entry.is_there()) return file_error("open", file, ENOENT);
  if ((entry.mode & 077) == 0) return {};
  return Error{ErrorCode::refused, "others can read '" + file.string() +
                                       "'; keep it to yourself with: chmod 600 '" + file.string() +
                                       "'"};
}

Result<SecretKey> generate_key() {
  // Nearly every 32-byte string is a secret key; one in 2^128 is not.
  for (int attempt = 0; attempt < 4; ++attempt) {
    Hash secret;
    if (RAND_priv_bytes(secret.bytes.data(), static_cast<int>(secret.bytes.size())) != 1) {
      return Error{ErrorCode::io, "the operating system gave no random bytes; try again"};
    }
    auto key = SecretKey::from_bytes(secret);
    OPENSSL_cleanse(secret.bytes.data(), secret.bytes.size());
    if (key) return *key;
  }
  return Error{ErrorCode::io, "the operating system's random bytes are not random"};
}

Status write_keystore(const std::filesystem::path& file, const SecretKey& key,
                      const std::string& passphrase, KeystoreCost cost) {
  const auto json = seal_to_json(key, passphrase, cost);
  if (!json.ok()) return json.error();
  return create_file(file, as_bytes(*json), kKeyFileMode);
}

Result<SecretKey> read_keystore(const std::filesystem::path& file, const std::string& passphrase) {
  const auto sealed = load_sealed(file);
  if (!sealed.ok()) return sealed.error();
  return open_sealed(file, *sealed, passphrase);
}

Status change_passphrase(const std::filesystem::path& file, const std::string& old_passphrase,
                         const std::string& new_passphrase) {
  const auto sealed = load_sealed(file);
  if (!sealed.ok()) return sealed.error();
  const auto key = open_sealed(file, *sealed, old_passphrase);
  if (!key.ok()) return key.error();
  const auto json = seal_to_json(*key, new_passphrase, {sealed->log2_n});
  if (!json.ok()) return json.error();
  return replace_file(file, as_bytes(*json), kKeyFileMode);
}

}  // namespace gradmint
