// Text that may be shown on a terminal, put into JSON and kept on a ledger: valid UTF-8 (RFC 3629)
// without what a terminal obeys or a reader cannot see. So a peer can neither break a line nor send
// escape sequences, nor make one name look like another by marks that reorder or hide. The wire and
// every record hold to it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gradmint {

struct CodePoint {
  std::uint32_t code = 0;
  std::size_t size_bytes = 0;  // 0: not UTF-8
};
// The first one of a text that is not empty.
CodePoint code_point_at(std::string_view text);

// Control characters (C0, DEL, C1), line and paragraph separators, marks that reorder
// (U+061C, U+200E, U+200F, U+202A-202E, U+2066-2069), what has no width (U+200B, U+2060-2065,
// U+FEFF), annotation marks, tags and noncharacters. Not the joiners U+200C and U+200D: scripts
// need them.
bool is_obeyed_or_unseen(std::uint32_t code);

// One line. Empty text is clean.
bool is_clean_text(std::string_view text);
// Several lines: line feeds and tabs are allowed too, and nothing else.
bool is_clean_lines(std::string_view text);

// What is obeyed or unseen becomes a space, what is not UTF-8 '?', and the end is cut at a
// character boundary to at most cap_bytes.
std::string clean_text(std::string_view text, std::size_t cap_bytes);

}  // namespace gradmint
