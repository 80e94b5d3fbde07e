#include "coordinator/protocol/text.h"

#include <cstdint>

namespace gradmint {
namespace {

struct Character {
  std::size_t size_bytes;  // 0: not UTF-8
  bool control;
};

Character character_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[at + i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {1, lead < 0x20 || lead == 0x7f};
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() - at < size) return {0, false};
  std::uint32_t code = lead & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {0, false};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  const bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (overlong || surrogate || code > 0x10ffff) return {0, false};
  // C1 controls, line and paragraph separators, and the marks that reorder what a reader sees.
  const bool control = code < 0xa0 || (code >= 0x2028 && code <= 0x202e) ||
                       (code >= 0x2066 && code <= 0x2069) || code == 0x200e || code == 0x200f;
  return {size, control};
}

}  // namespace

bool is_clean_text(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    if (c.size_bytes == 0 || c.control) return false;
    at += c.size_bytes;
  }
  return true;
}

std::string clean_text(std::string_view text, std::size_t cap_bytes) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    const std::size_t size = c.size_bytes == 0 ? 1 : c.size_bytes;
    const bool kept = c.size_bytes != 0 && !c.control;
    if (out.size() + (kept ? size : 1) > cap_bytes) break;
    if (kept) {
      out.append(text.substr(at, size));
    } else {
      out.push_back(c.control ? ' ' : '?');
    }
    at += size;
  }
  return out;
}

}  // namespace gradmint
