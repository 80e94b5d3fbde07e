// SHA-256 (FIPS 180-4) and the tagged hash of BIP-340, through OpenSSL. Thread safe: each call or
// object owns its context.
#pragma once

#include <initializer_list>
#include <memory>
#include <string_view>

#include "ledger/bytes.h"

namespace gradmint {

// Incremental SHA-256. `finish` may be called once.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  Sha256& update(ByteView bytes);
  Hash finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

Hash sha256(ByteView bytes);

// SHA-256 of the parts, one after the other, without copying them together.
Hash sha256_concat(std::initializer_list<ByteView> parts);

// BIP-340: SHA256(SHA256(tag) || SHA256(tag) || bytes). A distinct tag for each kind of statement
// keeps a signature over one from being read as another.
Hash tagged_hash(std::string_view tag, ByteView bytes);

}  // namespace gradmint
