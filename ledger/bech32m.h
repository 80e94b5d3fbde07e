// bech32m (BIP-350): text for people, in 32 letters that are hard to confuse, with a checksum that
// finds any four wrong letters. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ledger/bytes.h"

namespace gradmint {

struct Bech32mText {
  std::string prefix;  // lower case
  Bytes groups;        // 5 bits each, without the checksum
};

// The string's parts when it is valid bech32m of at most 90 characters.
std::optional<Bech32mText> decode_bech32m(std::string_view text);

// Precondition: a prefix of 1 to 83 lower-case characters (33 to 126), groups below 32, 90
// characters in all.
std::string encode_bech32m(std::string_view prefix, ByteView groups);

// Eight-bit bytes to five-bit groups (the last padded with zeros) and back. The way back refuses
// padding of five bits or more, or that is not zero, so that each byte string has one text.
Bytes to_five_bit_groups(ByteView bytes);
std::optional<Bytes> from_five_bit_groups(ByteView groups);

}  // namespace gradmint
