// How a program ends: the one line that says why, and whether its output was taken.
#pragma once

#include <string_view>

namespace gradmint {

// "PROGRAM: MESSAGE" on standard error, on one line whatever the message quotes. Waits at most a
// second for a reader who stands still: a program that ends must end.
void write_error_line(std::string_view program, std::string_view message);

// Before a program ends with `status`: what it printed is with the reader, or it says so and ends
// with 2 (a full disk took half a report; 1 may mean that a ledger does not hold). A failure before
// keeps its own status.
int finish_output(std::string_view program, int status);

}  // namespace gradmint
