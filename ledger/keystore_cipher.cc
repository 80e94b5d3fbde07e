#include "ledger/keystore_cipher.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <memory>

#include "ledger/codec.h"
#include "ledger/hash.h"
#include "ledger/tags.h"

namespace gradmint {

namespace {

// Bytes that are wiped when they go.
struct Wiped {
  Hash value;
  Wiped() = default;
  ~Wiped() { OPENSSL_cleanse(value.bytes.data(), value.bytes.size()); }
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  std::uint8_t* data() { return value.bytes.data(); }
};

struct CipherDeleter {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, CipherDeleter>;

// The associated data: everything in the header, so that none of it can be changed unnoticed.
Bytes header_of(const SealedKey& sealed) {
  Writer out;
  out.raw(as_bytes(tag::kKeystore));
  out.hash(sealed.public_key);
  out.u32(sealed.log2_n);
  out.u32(kScryptR);
  out.u32(kScryptP);
  out.hash(sealed.salt);
  out.raw(sealed.nonce);
  if (sealed.account != account_of(sealed.public_key)) out.hash(sealed.account);
  return out.take();
}

Status stretch(const std::string& passphrase, const SealedKey& sealed, Wiped& key) {
  if (sealed.log2_n < 1 || sealed.log2_n > kScryptLog2NMax) {
    return Error{ErrorCode::bad_input, "a keystore's cost is from 1 to " +
                                           std::to_string(kScryptLog2NMax) + ", not " +
                                           std::to_string(sealed.log2_n)};
  }
  const std::uint64_t n = std::uint64_t{1} << sealed.log2_n;
  // scrypt's table takes 128·r·n bytes; OpenSSL refuses what its limit does not cover.
  const std::uint64_t memory_bytes = 128 * kScryptR * (n + kScryptP) + (std::uint64_t{1} << 20);
  const int made = EVP_PBE_scrypt(passphrase.data(), passphrase.size(), sealed.salt.bytes.data(),
                                  sealed.salt.bytes.size(), n, kScryptR, kScryptP, memory_bytes,
                                  key.data(), key.value.bytes.size());
  if (made == 1) return {};
  return Error{ErrorCode::io, "scrypt could not get " + std::to_string(memory_bytes >> 20) +
                                  " MiB of memory; free some and try again"};
}

}  // namespace

Hash checksum_of(const SealedKey& sealed) {
  return sha256_concat({header_of(sealed), sealed.ciphertext.view(), sealed.tag});
}

Result<SealedKey> seal_key(const SecretKey& key, const std::string& passphrase, unsigned log2_n) {
  SealedKey sealed;
  sealed.public_key = key.public_key();
  sealed.account = key.account();
  sealed.log2_n = log2_n;
  if (RAND_bytes(sealed.salt.bytes.data(), static_cast<int>(sealed.salt.bytes.size())) != 1 ||
      RAND_bytes(sealed.nonce.data(), static_cast<int>(sealed.nonce.size())) != 1) {
    return Error{ErrorCode::io, "the operating system gave no random bytes; try again"};
  }
  Wiped cipher_key;
  if (const Status made = stretch(passphrase, sealed, cipher_key); !made.ok()) return made.error();
  const Bytes header = header_of(sealed);
  const CipherContext context(EVP_CIPHER_CTX_new());
  int size = 0;
  const bool ok = context != nullptr &&
                  EVP_EncryptInit_ex2(context.get(), EVP_aes_256_gcm(), cipher_key.data(),
                                      sealed.nonce.data(), nullptr) == 1 &&
                  EVP_EncryptUpdate(context.get(), nullptr, &size, header.data(),
                                    static_cast<int>(header.size())) == 1 &&
                  EVP_EncryptUpdate(context.get(), sealed.ciphertext.bytes.data(), &size,
                                    key.secret().bytes.data(),
                                    static_cast<int>(key.secret().bytes.size())) == 1 &&
                  EVP_EncryptFinal_ex(context.get(), nullptr, &size) == 1 &&
                  EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG,
                                      static_cast<int>(sealed.tag.size()), sealed.tag.data()) == 1;
  GRADMINT_CHECK(ok);
  return sealed;
}

Result<SecretKey> open_key(const SealedKey& sealed, const std::string& passphrase) {
  Wiped cipher_key;
  if (const Status made = stretch(passphrase, sealed, cipher_key); !made.ok()) return made.error();
  const Bytes header = header_of(sealed);
  auto tag = sealed.tag;
  const CipherContext context(EVP_CIPHER_CTX_new());
  GRADMINT_CHECK(context != nullptr);
  Wiped secret;
  int size = 0;
  const bool opened =
      EVP_DecryptInit_ex2(context.get(), EVP_aes_256_gcm(), cipher_key.data(), sealed.nonce.data(),
                          nullptr) == 1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &size, header.data(),
                        static_cast<int>(header.size())) == 1 &&
      EVP_DecryptUpdate(context.get(), secret.data(), &size, sealed.ciphertext.bytes.data(),
                        static_cast<int>(sealed.ciphertext.bytes.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(tag.size()),
                          tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), nullptr, &size) == 1;
  const Error refused{ErrorCode::refused, "wrong passphrase, or altered fields"};
  if (!opened) return refused;
  const auto key = SecretKey::from_bytes(secret.value);
  if (!key || key->public_key() != sealed.public_key) return refused;
  return key->for_account(sealed.account);
}

}  // namespace gradmint
