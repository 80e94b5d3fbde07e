#include "coordinator/protocol/curve.h"

#include <openssl/crypto.h>
#include <zmq.h>

#include <array>

#include "kernels/base/check.h"

namespace gradmint {
namespace {

constexpr std::size_t kZ85Characters = 40;
using Z85Text = std::array<char, kZ85Characters + 1>;

Hash decode(const Z85Text& text) {
  Hash key;
  GRADMINT_CHECK(zmq_z85_decode(key.bytes.data(), text.data()) != nullptr);
  return key;
}

}  // namespace

CurveKeyPair::~CurveKeyPair() { OPENSSL_cleanse(secret_key.bytes.data(), secret_key.bytes.size()); }

CurveKeyPair new_curve_key_pair() {
  Z85Text public_text{};
  Z85Text secret_text{};
  GRADMINT_CHECK(zmq_curve_keypair(public_text.data(), secret_text.data()) == 0);
  const CurveKeyPair pair{decode(public_text), decode(secret_text)};
  OPENSSL_cleanse(secret_text.data(), secret_text.size());
  return pair;
}

std::optional<CurveKeyPair> curve_key_pair_of(const Hash& secret_key) {
  if (secret_key.is_zero()) return std::nullopt;
  Z85Text public_text{};
  Z85Text secret_text{};
  GRADMINT_CHECK(zmq_z85_encode(secret_text.data(), secret_key.bytes.data(), 32) != nullptr);
  GRADMINT_CHECK(zmq_curve_public(public_text.data(), secret_text.data()) == 0);
  OPENSSL_cleanse(secret_text.data(), secret_text.size());
  return CurveKeyPair{decode(public_text), secret_key};
}

std::string to_z85(const Hash& key) {
  Z85Text text{};
  GRADMINT_CHECK(zmq_z85_encode(text.data(), key.bytes.data(), key.bytes.size()) != nullptr);
  return {text.data(), kZ85Characters};
}

std::optional<Hash> from_z85(std::string_view text) {
  if (text.size() != kZ85Characters) return std::nullopt;
  Z85Text copy{};
  text.copy(copy.data(), kZ85Characters);
  Hash key;
  if (zmq_z85_decode(key.bytes.data(), copy.data()) == nullptr) return std::nullopt;
  // libzmq lets some characters outside the alphabet through.
  if (to_z85(key) != text) return std::nullopt;
  return key;
}

}  // namespace gradmint
