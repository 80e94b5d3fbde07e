// The one line with which a program says why it ends.
#pragma once

#include <string_view>

namespace gradmint {

// "PROGRAM: MESSAGE" on standard error, on one line whatever the message quotes. Waits at most a
// second for a reader who stands still: a program that ends must end.
void write_error_line(std::string_view program, std::string_view message);

}  // namespace gradmint
