#include "worker/data/csv_text.h"

#include <algorithm>

#include "kernels/base/text.h"

namespace gradmint {
namespace {

// By its mark, or by a zero in every other of the first bytes.
bool is_utf16(std::string_view text) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) return true;
  const std::string_view first = text.substr(0, 256);
  const auto zeros = std::count(first.begin(), first.end(), '\0');
  return zeros > 0 && static_cast<std::size_t>(zeros) >= first.size() * 2 / 5;
}

std::string hex_of(char byte) {
  constexpr const char* kDigits = "0123456789abcdef";
  const auto value = static_cast<unsigned char>(byte);
  return {'0', 'x', kDigits[value >> 4], kDigits[value & 15]};
}

// The first byte that is a zero or no UTF-8; the text's size where all are well.
std::size_t first_bad_byte(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte == 0) return at;
    if (byte < 0x80) {
      ++at;
      continue;
    }
    const std::size_t size_bytes = code_point_at(text.substr(at)).size_bytes;
    if (size_bytes == 0) return at;
    at += size_bytes;
  }
  return at;
}

}  // namespace

std::string csv_text_fault(std::string_view text) {
  if (is_utf16(text))
    return "this is UTF-16 text; make UTF-8 of it first: iconv -f UTF-16 -t UTF-8 FILE > NEW";
  if (const std::size_t at = first_bad_byte(text); at < text.size()) {
    const auto row = 1 + std::count(text.begin(), text.begin() + static_cast<long>(at), '\n');
    const std::string where = "row " + std::to_string(row) + ": ";
    if (text[at] == '\0') return where + "a zero byte: this is no text, or a damaged one";
    return where + "the byte " + hex_of(text[at]) +
           " is no UTF-8; make UTF-8 of the file first, from what it was written in: iconv -f "
           "LATIN1 -t UTF-8 FILE > NEW";
  }
  const bool ends_in_returns = text.find('\r') + 1 < text.size() && text.find('\r') != text.npos &&
                               text.find('\n') == text.npos;
  if (ends_in_returns)
    return "its lines end in carriage returns alone; make line feeds of them: tr '\\r' '\\n' < "
           "FILE "
           "> NEW";
  return "";
}

std::string csv_separator_hint(std::string_view only_field) {
  for (const auto& [sign, called] : {std::pair(';', "semicolons"), std::pair('\t', "tabs")})
    if (only_field.find(sign) != only_field.npos)
      return std::string(" (its fields look separated by ") + called + ": write commas)";
  return "";
}

}  // namespace gradmint
