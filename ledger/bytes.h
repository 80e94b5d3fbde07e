// Byte strings, 32-byte hashes and hexadecimal, shared by everything that touches the ledger.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradmint {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

// A SHA-256 value, an account id, a public key or a salt. All zero means "none".
struct Hash {
  std::array<std::uint8_t, 32> bytes{};

  auto operator<=>(const Hash&) const = default;
  bool is_zero() const { return *this == Hash{}; }
  ByteView view() const { return bytes; }
};

// A permanent account id: H(tag, signature algorithm, first public key) (design: the ledger).
using AccountId = Hash;

std::string to_hex(ByteView bytes);
std::string to_hex(const Hash& hash);

// Empty when the text is not an even number of hexadecimal digits.
std::optional<Bytes> from_hex(std::string_view text);
std::optional<Hash> hash_from_hex(std::string_view text);

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace gradmint
