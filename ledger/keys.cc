#include "ledger/keys.h"

#include <openssl/crypto.h>
#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

#include <algorithm>

#include "kernels/base/check.h"
#include "ledger/bech32m.h"
#include "ledger/hash.h"
#include "ledger/tags.h"

namespace gradmint {

namespace {

constexpr std::string_view kAddressPrefix = "gm";

// Made once, never changed and never freed, so any thread may use it at any time.
const secp256k1_context* context() {
  static const secp256k1_context* const made = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
  GRADMINT_CHECK(made != nullptr);
  return made;
}

// libsecp256k1's own form of a key pair; wiped when it goes.
struct KeyPair {
  secp256k1_keypair pair;
  ~KeyPair() { OPENSSL_cleanse(&pair, sizeof pair); }
};

}  // namespace

std::optional<SecretKey> SecretKey::from_bytes(const Hash& secret) {
  KeyPair keys;
  if (secp256k1_keypair_create(context(), &keys.pair, secret.bytes.data()) != 1) {
    return std::nullopt;
  }
  secp256k1_xonly_pubkey x_only;
  SecretKey key;
  GRADMINT_CHECK(secp256k1_keypair_xonly_pub(context(), &x_only, nullptr, &keys.pair) == 1);
  GRADMINT_CHECK(
      secp256k1_xonly_pubkey_serialize(context(), key.public_key_.bytes.data(), &x_only) == 1);
  key.secret_ = secret;
  key.account_ = account_of(key.public_key_);
  static_assert(sizeof keys.pair == sizeof key.key_pair_);
  std::copy_n(keys.pair.data, key.key_pair_.size(), key.key_pair_.begin());
  return key;
}

SecretKey::~SecretKey() {
  OPENSSL_cleanse(secret_.bytes.data(), secret_.bytes.size());
  OPENSSL_cleanse(key_pair_.data(), key_pair_.size());
}

SecretKey SecretKey::for_account(const AccountId& account) const {
  SecretKey key = *this;
  key.account_ = account;
  return key;
}

Signature SecretKey::sign(const Hash& digest) const {
  static constexpr std::uint8_t kNoAuxiliaryRandomness[32] = {};
  KeyPair keys;
  std::copy_n(key_pair_.begin(), key_pair_.size(), keys.pair.data);
  Signature signature;
  GRADMINT_CHECK(secp256k1_schnorrsig_sign32(context(), signature.bytes.data(), digest.bytes.data(),
                                             &keys.pair, kNoAuxiliaryRandomness) == 1);
  return signature;
}

bool verify_signature(const Hash& public_key, const Hash& digest, const Signature& signature) {
  return verify_signature(public_key, digest.view(), signature);
}

bool verify_signature(const Hash& public_key, ByteView message, const Signature& signature) {
  secp256k1_xonly_pubkey parsed;
  if (secp256k1_xonly_pubkey_parse(context(), &parsed, public_key.bytes.data()) != 1) return false;
  return secp256k1_schnorrsig_verify(context(), signature.bytes.data(), message.data(),
                                     message.size(), &parsed) == 1;
}

AccountId account_of(const Hash& public_key) {
  std::array<std::uint8_t, 33> statement;
  statement[0] = kSigAlgBip340;
  std::ranges::copy(public_key.bytes, statement.begin() + 1);
  return tagged_hash(tag::kAccount, statement);
}

std::string address_of(const AccountId& account) {
  return encode_bech32m(kAddressPrefix, to_five_bit_groups(account.view()));
}

std::optional<AccountId> parse_address(std::string_view address) {
  const auto text = decode_bech32m(address);
  if (!text || text->prefix != kAddressPrefix) return std::nullopt;
  const auto bytes = from_five_bit_groups(text->groups);
  AccountId account;
  if (!bytes || bytes->size() != account.bytes.size()) return std::nullopt;
  std::ranges::copy(*bytes, account.bytes.begin());
  return account;
}

}  // namespace gradmint
