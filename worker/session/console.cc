#include "worker/session/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "kernels/base/printable.h"
#include "kernels/base/text.h"
#include "ledger/output/error_line.h"

namespace gradmint::session {
namespace {

constexpr std::size_t kBarCells = 24;
constexpr std::size_t kLeastWords = 16;  // beside the bar, for what is being done
constexpr std::size_t kUnknownColumns = 79;
constexpr std::size_t kMaxLineBytes = 1000;
constexpr int kFarewellMs = 1000;  // for a reader of the last lines
constexpr const char* kClearLine = "\r\033[K";

// Some of it comes from the coordinator.
std::string one_line(const std::string& text, std::size_t cap_bytes = kMaxLineBytes) {
  return clean_text(printable(text), cap_bytes);
}

std::string dropped_line(std::uint64_t lines) {
  return std::to_string(lines) + " lines were dropped: nobody read them\n";
}

}  // namespace

bool TerminalConsole::stdout_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }

TerminalConsole::TerminalConsole(bool terminal)
    : terminal_(terminal),
      out_(STDOUT_FILENO, dropped_line),
      errors_(STDERR_FILENO, dropped_line) {}

TerminalConsole::~TerminalConsole() {
  out_.close(kFarewellMs);
  errors_.close(kFarewellMs);
}

void TerminalConsole::clear_bar() {
  if (!bar_shown_) return;
  out_.write(kClearLine);
  bar_shown_ = false;
}

void TerminalConsole::say(const Say& line) {
  const bool over_bar = bar_shown_;  // the two outputs may reach one terminal in either order
  clear_bar();
  if (line.warning) {
    errors_.write((over_bar ? kClearLine : "") + ("warning: " + one_line(line.text)) + "\n");
  } else {
    out_.write(one_line(line.text) + "\n");
  }
}

void TerminalConsole::fail(const std::string& text) {
  clear_bar();
  out_.close(kFarewellMs);
  errors_.close(kFarewellMs);
  write_error_line("gradmint-worker", one_line(text));
}

// On one row whatever happens: of a bar that has wrapped only the last row could be removed.
std::string bar_text(const Show& state, std::size_t columns) {
  const std::string start = "round " + std::to_string(state.round) + " ";
  const std::string percent = std::to_string(state.done_ppm / 10'000) + " % ";
  std::string text = start;
  if (start.size() + kBarCells + 3 + percent.size() + kLeastWords <= columns) {
    const std::size_t full = kBarCells * state.done_ppm / 1'000'000;
    text += "[" + std::string(full, '#') + std::string(kBarCells - full, '.') + "] ";
  }
  return one_line(text + percent + state.doing, columns);
}

void TerminalConsole::show(const Show& state) {
  if (!terminal_) return;
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  out_.write(kClearLine + bar_text(state, known ? size.ws_col - 1u : kUnknownColumns));
  bar_shown_ = true;
}

}  // namespace gradmint::session
