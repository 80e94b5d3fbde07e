#include "worker/session/console.h"

#include <unistd.h>

#include <cstdio>

#include "kernels/base/printable.h"
#include "kernels/base/text.h"
#include "ledger/output/error_line.h"

namespace gradmint::session {
namespace {

constexpr std::size_t kBarCells = 24;
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

bool Console::stdout_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }

Console::Console(bool terminal)
    : terminal_(terminal),
      out_(STDOUT_FILENO, dropped_line),
      errors_(STDERR_FILENO, dropped_line) {}

Console::~Console() {
  out_.close(kFarewellMs);
  errors_.close(kFarewellMs);
}

void Console::clear_bar() {
  if (!bar_shown_) return;
  out_.write(kClearLine);
  bar_shown_ = false;
}

void Console::say(const Say& line) {
  const bool over_bar = bar_shown_;  // the two outputs may reach one terminal in either order
  clear_bar();
  if (line.warning) {
    errors_.write((over_bar ? kClearLine : "") + ("warning: " + one_line(line.text)) + "\n");
  } else {
    out_.write(one_line(line.text) + "\n");
  }
}

void Console::fail(const std::string& text) {
  clear_bar();
  out_.close(kFarewellMs);
  errors_.close(kFarewellMs);
  write_error_line("gradmint-worker", one_line(text));
}

void Console::show(const Show& state) {
  if (!terminal_) return;
  std::string bar;
  const std::size_t full = kBarCells * state.done_ppm / 1'000'000;
  for (std::size_t i = 0; i < kBarCells; ++i) bar += i < full ? '#' : '.';
  char start[64];
  std::snprintf(start, sizeof start, "%sround %llu [", kClearLine,
                static_cast<unsigned long long>(state.round));
  char percent[32];
  std::snprintf(percent, sizeof percent, "] %3u %% ", state.done_ppm / 10'000);
  out_.write(start + bar + percent + one_line(state.doing, 60));
  bar_shown_ = true;
}

}  // namespace gradmint::session
