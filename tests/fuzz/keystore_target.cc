#include "kernels/base/check.h"
#include "ledger/keystore.h"
#include "tests/fuzz/target.h"

namespace gradmint::fuzz {
namespace {

// The costly key derivation stands behind it and sees only what is taken here.
void run(ByteView input) {
  const auto sealed = parse_keystore("key.json", input);
  if (!sealed) GRADMINT_CHECK(sealed.error().message.find('\n') == std::string::npos);
}

std::vector<Bytes> seeds() {
  Hash secret;
  secret.bytes.fill(1);
  const SealedKey sealed = seal_key(SecretKey::from_bytes(secret).value(), "passphrase", 1).value();
  return {bytes_of(keystore_text(sealed)), bytes_of(R"({"gradmint_keystore": 1})")};
}

}  // namespace

Target keystore_target() { return {"keystore", run, seeds}; }

}  // namespace gradmint::fuzz
