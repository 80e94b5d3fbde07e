#include "coordinator/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace gradmint {

DisplayStyle terminal_style() {
  DisplayStyle style;
  style.live = ::isatty(STDOUT_FILENO) != 0;
  const char* no_colour = std::getenv("NO_COLOR");
  style.colour = style.live && (no_colour == nullptr || *no_colour == '\0');
  style.columns = terminal_columns(style);
  return style;
}

std::size_t terminal_columns(const DisplayStyle& style) {
  winsize size{};
  const bool known =
      style.live && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? size.ws_col - 1u : style.columns;
}

}  // namespace gradmint
