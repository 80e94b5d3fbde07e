#include "ledger/bytes.h"

namespace gradmint {

namespace {

// The value of a hexadecimal digit of either case, or -1.
int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool decode_hex(std::string_view text, std::span<std::uint8_t> out) {
  if (text.size() != 2 * out.size()) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = digit_value(text[2 * i]);
    const int low = digit_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return true;
}

}  // namespace

std::string to_hex(ByteView bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

std::string to_hex(const Hash& hash) { return to_hex(hash.view()); }

std::optional<Bytes> from_hex(std::string_view text) {
  Bytes out(text.size() / 2);
  if (!decode_hex(text, out)) return std::nullopt;
  return out;
}

std::optional<Hash> hash_from_hex(std::string_view text) {
  Hash out;
  if (!decode_hex(text, out.bytes)) return std::nullopt;
  return out;
}

}  // namespace gradmint
