// What standard output is: a terminal or not, and how wide at the moment.
#pragma once

#include "coordinator/cli/display.h"

namespace gradmint {

// Live and with colours on a terminal; without colours where NO_COLOR is set to anything.
DisplayStyle terminal_style();

// One column less than the terminal has, so that no line wraps; as before elsewhere.
std::size_t terminal_columns(const DisplayStyle& style);

}  // namespace gradmint
