// How a key is sealed in a keystore: scrypt (RFC 7914) makes a key of the passphrase, AES-256-GCM
// hides the secret and binds every other field to it.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "kernels/base/result.h"
#include "ledger/keys.h"

namespace gradmint {

inline constexpr unsigned kScryptR = 8;
inline constexpr unsigned kScryptP = 1;
// Above 2^22 scrypt would ask for more than 4 GiB.
inline constexpr unsigned kScryptLog2NMax = 22;

struct SealedKey {
  Hash public_key;
  AccountId account;  // account_of(public_key), unless the key came later than its account
  unsigned log2_n = 0;
  Hash salt;
  std::array<std::uint8_t, 12> nonce{};
  Hash ciphertext;
  std::array<std::uint8_t, 16> tag{};
};

// SHA-256 of every field: tells a damaged file from a wrong passphrase, and protects nothing.
Hash checksum_of(const SealedKey& sealed);

// bad_input: a cost outside 1..kScryptLog2NMax; io: no memory or no random bytes.
Result<SealedKey> seal_key(const SecretKey& key, const std::string& passphrase, unsigned log2_n);
// refused: another passphrase or altered fields; io: no memory for scrypt.
Result<SecretKey> open_key(const SealedKey& sealed, const std::string& passphrase);

}  // namespace gradmint
