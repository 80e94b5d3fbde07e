#include "kernels/base/printable.h"

#include <cstdint>
#include <cstdio>

#include "kernels/base/text.h"

namespace gradmint {
namespace {

template <class... Values>
void append(std::string& out, const char* pattern, Values... values) {
  char text[24];
  std::snprintf(text, sizeof text, pattern, values...);
  out += text;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint at = code_point_at(text);
    const std::size_t size = at.size_bytes == 0 ? 1 : at.size_bytes;
    if (at.size_bytes == 0 || (at.code < 0x80 && is_obeyed_or_unseen(at.code))) {
      if (text[0] == '\t') {
        out += ' ';
      } else {
        append(out, "\\x%02x", static_cast<unsigned>(static_cast<std::uint8_t>(text[0])));
      }
    } else if (is_obeyed_or_unseen(at.code)) {
      append(out, at.code > 0xffff ? "\\u{%x}" : "\\u%04x", static_cast<unsigned>(at.code));
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
  return out;
}

std::string printable_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const CodePoint at = code_point_at(json);
    const std::size_t size = at.size_bytes == 0 ? 1 : at.size_bytes;
    // Below 0x20 stands layout alone: inside of strings the library has escaped it.
    if (at.size_bytes == 0) {
      out += "\\ufffd";
    } else if (at.code < 0x20 || !is_obeyed_or_unseen(at.code)) {
      out += json.substr(0, size);
    } else if (at.code <= 0xffff) {
      append(out, "\\u%04x", static_cast<unsigned>(at.code));
    } else {
      const std::uint32_t rest = at.code - 0x10000;
      append(out, "\\u%04x\\u%04x", static_cast<unsigned>(0xd800 | rest >> 10),
             static_cast<unsigned>(0xdc00 | (rest & 0x3ff)));
    }
    json.remove_prefix(size);
  }
  return out;
}

}  // namespace gradmint
