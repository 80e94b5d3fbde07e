// Text of another party as it may stand on one line of a terminal, in a log or in JSON. What a
// terminal obeys or a reader cannot see is made visible: control characters, what is no UTF-8
// (RFC 3629), marks that reorder or hide what stands beside them. Every sink calls one of these
// two, whatever was checked on the way in: file names, labels and the output of programs never
// passed the ledger. Pure.
#pragma once

#include <string>
#include <string_view>

namespace gradmint {

// Escape 0x1b becomes the four characters \x1b, U+202E the six characters \u202e, a byte that is no
// UTF-8 \xff; a tab becomes a blank. Twice is the same as once.
std::string printable(std::string_view text);

// JSON as its library wrote it, pretty or not: the same characters, in strings, become JSON's own
// escapes, so that whoever parses it reads them unchanged. Valid UTF-8 is asked for.
std::string printable_json(std::string_view json);

}  // namespace gradmint
