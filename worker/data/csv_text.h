// What keeps a text from being read as a comma-separated table at all, found before its rows are
// looked at: another encoding, other line ends. Pure.
#pragma once

#include <string>
#include <string_view>

namespace gradmint {

// In one line, with what to do about it; empty where there is nothing.
std::string csv_text_fault(std::string_view text);

// " (…)" where one column's name looks like several that something else than commas separates, or
// an empty text.
std::string csv_separator_hint(std::string_view only_field);

}  // namespace gradmint
