// BIP-340 Schnorr keys and signatures over secp256k1 (libsecp256k1). Randomness is an argument:
// this file stays pure. Thread safe.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "ledger/bytes.h"

namespace gradmint {

inline constexpr std::uint8_t kSigAlgBip340 = 1;

struct Signature {
  std::array<std::uint8_t, 64> bytes{};
  auto operator<=>(const Signature&) const = default;
};

// A secret key; wiped when destroyed.
class SecretKey {
 public:
  // Empty when the 32 bytes are zero or not below the group order.
  static std::optional<SecretKey> from_bytes(const Hash& secret);
  ~SecretKey();
  SecretKey(const SecretKey&) = default;
  SecretKey& operator=(const SecretKey&) = default;

  const Hash& public_key() const { return public_key_; }  // x-only, BIP-340
  // Whom it signs for: account_of(public_key()), or, of a key that came later, the account whose
  // key it is now.
  AccountId account() const { return account_; }
  SecretKey for_account(const AccountId& account) const;
  const Hash& secret() const { return secret_; }  // for the keystore alone

  // Signs a 32-byte digest. Deterministic: the auxiliary randomness is zero, as BIP-340 permits.
  Signature sign(const Hash& digest) const;

 private:
  SecretKey() = default;
  Hash secret_;
  Hash public_key_;
  AccountId account_;
  std::array<std::uint8_t, 96>
      key_pair_{};  // libsecp256k1's form: making it costs half a signature
};

bool verify_signature(const Hash& public_key, const Hash& digest, const Signature& signature);
// BIP-340 also signs messages of any length; its test vectors need that.
bool verify_signature(const Hash& public_key, ByteView message, const Signature& signature);

// tag::kAccount: permanent, whatever key comes later.
AccountId account_of(const Hash& public_key);

// bech32m (BIP-350) with the prefix "gm": what people read, type and compare.
std::string address_of(const AccountId& account);
std::optional<AccountId> parse_address(std::string_view address);

}  // namespace gradmint
