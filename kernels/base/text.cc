#include "kernels/base/text.h"

namespace gradmint {
namespace {

bool is_between(std::uint32_t code, std::uint32_t first, std::uint32_t last) {
  return code >= first && code <= last;
}

bool is_clean(std::string_view text, bool lines) {
  while (!text.empty()) {
    const CodePoint at = code_point_at(text);
    if (at.size_bytes == 0) return false;
    const bool layout = lines && (at.code == '\n' || at.code == '\t');
    if (is_obeyed_or_unseen(at.code) && !layout) return false;
    text.remove_prefix(at.size_bytes);
  }
  return true;
}

}  // namespace

CodePoint code_point_at(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return {};
  std::uint32_t code = lead & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  const bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
  const bool surrogate = is_between(code, 0xd800, 0xdfff);
  if (overlong || surrogate || code > 0x10ffff) return {};
  return {code, size};
}

bool is_obeyed_or_unseen(std::uint32_t code) {
  return code < 0x20 || is_between(code, 0x7f, 0x9f) ||  // C0, DEL, C1
         code == 0x061c || code == 0x200e || code == 0x200f || is_between(code, 0x202a, 0x202e) ||
         is_between(code, 0x2066, 0x2069) ||  // reordering
         is_between(code, 0x2028, 0x2029) ||  // line and paragraph separators
         code == 0x200b || is_between(code, 0x2060, 0x2065) || code == 0xfeff ||  // no width
         is_between(code, 0xfff9, 0xfffb) || is_between(code, 0xe0000, 0xe007f) ||
         is_between(code, 0xfdd0, 0xfdef) || (code & 0xfffe) == 0xfffe;  // noncharacters
}

bool is_clean_text(std::string_view text) { return is_clean(text, false); }
bool is_clean_lines(std::string_view text) { return is_clean(text, true); }

std::string clean_text(std::string_view text, std::size_t cap_bytes) {
  std::string out;
  while (!text.empty()) {
    const CodePoint at = code_point_at(text);
    const bool is_utf8 = at.size_bytes != 0;
    const bool kept = is_utf8 && !is_obeyed_or_unseen(at.code);
    const std::size_t size = is_utf8 ? at.size_bytes : 1;
    if (out.size() + (kept ? size : 1) > cap_bytes) break;
    if (kept) {
      out.append(text.substr(0, size));
    } else {
      out.push_back(is_utf8 ? ' ' : '?');
    }
    text.remove_prefix(size);
  }
  return out;
}

}  // namespace gradmint
