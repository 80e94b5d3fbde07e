// CURVE (Curve25519) key pairs of connections, as libzmq makes and prints them. They authenticate a
// connection and nothing else; statements are signed with BIP-340 keys (ledger/keys.h). Thread
// safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ledger/bytes.h"

namespace gradmint {

// The secret is wiped when destroyed.
struct CurveKeyPair {
  CurveKeyPair() = default;
  CurveKeyPair(const Hash& public_part, const Hash& secret_part)
      : public_key(public_part), secret_key(secret_part) {}
  CurveKeyPair(const CurveKeyPair&) = default;
  CurveKeyPair& operator=(const CurveKeyPair&) = default;
  ~CurveKeyPair();

  Hash public_key;
  Hash secret_key;
};

CurveKeyPair new_curve_key_pair();

// Empty when the secret is zero.
std::optional<CurveKeyPair> curve_key_pair_of(const Hash& secret_key);

// Z85 (ZeroMQ RFC 32): 40 printable characters for 32 bytes.
std::string to_z85(const Hash& key);
std::optional<Hash> from_z85(std::string_view text);

}  // namespace gradmint
