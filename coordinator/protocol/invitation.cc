#include "coordinator/protocol/invitation.h"

#include <algorithm>

#include "coordinator/protocol/endpoint.h"
#include "coordinator/protocol/limits.h"
#include "ledger/codec.h"
#include "ledger/hash.h"
#include "ledger/tags.h"

namespace gradmint {
namespace {

constexpr std::string_view kFamily = "gminv";
constexpr std::string_view kPrefix = "gminv1";  // the family and the format's version
constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::size_t kChecksumBytes = 4;
constexpr std::size_t kMaxInvitationBytes = 32 + 32 + 16 + 1 + kMaxEndpointBytes + kChecksumBytes;
constexpr std::size_t kMaxInvitationCharacters = kPrefix.size() + (kMaxInvitationBytes * 8 + 4) / 5;

Error bad_invitation(std::string_view what) {
  return {ErrorCode::bad_input, "invitation: " + std::string(what)};
}

std::string to_base32(ByteView bytes) {
  std::string out;
  std::uint32_t pending = 0;
  unsigned bits = 0;
  for (const std::uint8_t byte : bytes) {
    pending = pending << 8 | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out.push_back(kAlphabet[pending >> bits & 31]);
    }
    pending &= (1u << bits) - 1;
  }
  if (bits > 0) out.push_back(kAlphabet[pending << (5 - bits) & 31]);
  return out;
}

// Empty unless re-encoding gives the same characters.
std::optional<Bytes> from_base32(std::string_view text) {
  Bytes out;
  std::uint32_t pending = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    pending = pending << 5 | static_cast<std::uint32_t>(value);
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<std::uint8_t>(pending >> bits));
    }
    pending &= (1u << bits) - 1;
  }
  if (bits >= 5 || pending != 0) return std::nullopt;
  return out;
}

ByteView checksum_of(const Hash& hash) { return hash.view().first(kChecksumBytes); }

Hash hash_of(ByteView body) { return tagged_hash(tag::kInvitation, body); }

std::string stripped_lower_case(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  std::string out(text.substr(first, text.find_last_not_of(kSpace) - first + 1));
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

}  // namespace

Result<std::string> format_invitation(const Invitation& invitation) {
  if (Status reachable = check_reachable(invitation.join_endpoint); !reachable) {
    return bad_invitation(reachable.error().message);
  }
  Writer out;
  out.hash(invitation.coordinator_curve_key);
  out.hash(invitation.chain_id);
  out.raw(invitation.code);
  out.u8(static_cast<std::uint8_t>(invitation.join_endpoint.size()));
  out.raw(as_bytes(invitation.join_endpoint));
  const Hash hash = hash_of(out.view());
  out.raw(checksum_of(hash));
  return std::string(kPrefix) + to_base32(out.view());
}

Result<Invitation> parse_invitation(std::string_view text) {
  if (text.size() > 2 * kMaxInvitationCharacters) return bad_invitation("too long to be one");
  const std::string word = stripped_lower_case(text);
  if (!word.starts_with(kFamily)) {
    return bad_invitation(
        "it should be one word that begins with gminv1, as printed by "
        "`gradmint coordinator invite`");
  }
  if (!word.starts_with(kPrefix)) {
    return bad_invitation(
        "it is of another version than this program reads (gminv1): update gradmint");
  }
  const std::optional<Bytes> decoded = from_base32(std::string_view(word).substr(kPrefix.size()));
  if (!decoded || decoded->size() <= kChecksumBytes) {
    return bad_invitation("mistyped or cut short: copy it again, whole");
  }
  const ByteView all{*decoded};
  const ByteView body = all.first(all.size() - kChecksumBytes);
  const Hash hash = hash_of(body);
  if (!std::ranges::equal(all.last(kChecksumBytes), checksum_of(hash))) {
    return bad_invitation(
        "mistyped or cut short (its checksum does not match): copy it again, whole");
  }
  Reader in(body);
  Invitation invitation;
  invitation.coordinator_curve_key = in.hash();
  invitation.chain_id = in.hash();
  const ByteView code = in.raw(invitation.code.size());
  if (in.ok()) std::copy(code.begin(), code.end(), invitation.code.begin());
  const ByteView endpoint = in.raw(in.u8());
  invitation.join_endpoint.assign(endpoint.begin(), endpoint.end());
  if (!in.finished()) return bad_invitation("its parts do not add up: ask for a new one");
  if (Status reachable = check_reachable(invitation.join_endpoint); !reachable) {
    return bad_invitation(reachable.error().message);
  }
  return invitation;
}

}  // namespace gradmint
