// One-line text that may be shown on a terminal or put into JSON: valid UTF-8 (RFC 3629) without
// control characters, so that a peer can neither break a log line nor send escape sequences. Pure.
#pragma once

#include <string>
#include <string_view>

namespace gradmint {

bool is_clean_text(std::string_view text);

// Control characters become spaces, what is not UTF-8 becomes '?', and the end is cut at a
// character boundary to at most cap_bytes.
std::string clean_text(std::string_view text, std::size_t cap_bytes);

}  // namespace gradmint
