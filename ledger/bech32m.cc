#include "ledger/bech32m.h"

#include <algorithm>

#include "kernels/base/check.h"

namespace gradmint {

namespace {

constexpr std::string_view kLetters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::uint32_t kBech32mConstant = 0x2bc830a3;
constexpr std::size_t kTextMax = 90;
constexpr std::size_t kPrefixMax = 83;
constexpr std::size_t kChecksumLetters = 6;

// One step of the BCH code's division, over GF(32).
std::uint32_t polymod_step(std::uint32_t remainder, std::uint8_t group) {
  static constexpr std::uint32_t kGenerator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                                 0x2a1462b3};
  const std::uint32_t top = remainder >> 25;
  remainder = ((remainder & 0x1ffffff) << 5) ^ group;
  for (std::size_t i = 0; i < 5; ++i) {
    if (((top >> i) & 1) == 1) remainder ^= kGenerator[i];
  }
  return remainder;
}

std::uint32_t polymod(std::string_view prefix, ByteView groups) {
  std::uint32_t remainder = 1;
  for (const char c : prefix) {
    remainder =
        polymod_step(remainder, static_cast<std::uint8_t>(static_cast<unsigned char>(c) >> 5));
  }
  remainder = polymod_step(remainder, 0);
  for (const char c : prefix)
    remainder = polymod_step(remainder, static_cast<std::uint8_t>(c & 31));
  for (const std::uint8_t group : groups) remainder = polymod_step(remainder, group);
  return remainder;
}

// Lower case throughout; nothing when a character is not printable ASCII or the cases are mixed.
std::optional<std::string> lower_case(std::string_view text) {
  std::string out;
  bool upper_seen = false;
  bool lower_seen = false;
  for (const char c : text) {
    if (c < 33 || c > 126) return std::nullopt;
    const bool upper = c >= 'A' && c <= 'Z';
    upper_seen |= upper;
    lower_seen |= c >= 'a' && c <= 'z';
    out.push_back(upper ? static_cast<char>(c - 'A' + 'a') : c);
  }
  if (upper_seen && lower_seen) return std::nullopt;
  return out;
}

}  // namespace

std::optional<Bech32mText> decode_bech32m(std::string_view text) {
  if (text.size() > kTextMax) return std::nullopt;
  const auto lower = lower_case(text);
  if (!lower) return std::nullopt;
  const std::size_t separator = lower->rfind('1');
  if (separator == std::string::npos || separator == 0 || separator > kPrefixMax ||
      lower->size() - separator - 1 < kChecksumLetters) {
    return std::nullopt;
  }
  Bech32mText decoded;
  decoded.prefix = lower->substr(0, separator);
  for (const char c : std::string_view(*lower).substr(separator + 1)) {
    const std::size_t value = kLetters.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    decoded.groups.push_back(static_cast<std::uint8_t>(value));
  }
  if (polymod(decoded.prefix, decoded.groups) != kBech32mConstant) return std::nullopt;
  decoded.groups.resize(decoded.groups.size() - kChecksumLetters);
  return decoded;
}

std::string encode_bech32m(std::string_view prefix, ByteView groups) {
  GRADMINT_CHECK(!prefix.empty() && prefix.size() <= kPrefixMax);
  GRADMINT_CHECK(prefix.size() + 1 + groups.size() + kChecksumLetters <= kTextMax);
  GRADMINT_CHECK(std::ranges::all_of(groups, [](std::uint8_t group) { return group < 32; }));
  GRADMINT_CHECK(lower_case(prefix) == prefix);
  Bytes with_checksum(groups.begin(), groups.end());
  with_checksum.resize(groups.size() + kChecksumLetters);
  const std::uint32_t checksum = polymod(prefix, with_checksum) ^ kBech32mConstant;
  for (std::size_t i = 0; i < kChecksumLetters; ++i) {
    with_checksum[groups.size() + i] =
        static_cast<std::uint8_t>((checksum >> (5 * (kChecksumLetters - 1 - i))) & 31);
  }
  std::string text = std::string(prefix) + "1";
  for (const std::uint8_t group : with_checksum) text.push_back(kLetters[group]);
  return text;
}

Bytes to_five_bit_groups(ByteView bytes) {
  Bytes groups;
  unsigned held = 0;
  unsigned held_bits = 0;
  for (const std::uint8_t byte : bytes) {
    held = (held << 8 | byte) & 0xfff;
    held_bits += 8;
    for (; held_bits >= 5; held_bits -= 5) {
      groups.push_back(static_cast<std::uint8_t>((held >> (held_bits - 5)) & 31));
    }
  }
  if (held_bits > 0) groups.push_back(static_cast<std::uint8_t>((held << (5 - held_bits)) & 31));
  return groups;
}

std::optional<Bytes> from_five_bit_groups(ByteView groups) {
  Bytes bytes;
  unsigned held = 0;
  unsigned held_bits = 0;
  for (const std::uint8_t group : groups) {
    if (group >= 32) return std::nullopt;
    held = (held << 5 | group) & 0xfff;
    held_bits += 5;
    if (held_bits >= 8) {
      held_bits -= 8;
      bytes.push_back(static_cast<std::uint8_t>((held >> held_bits) & 0xff));
    }
  }
  if (held_bits >= 5 || (held & ((1u << held_bits) - 1)) != 0) return std::nullopt;
  return bytes;
}

}  // namespace gradmint
