#include "worker/session/console.h"

#include <unistd.h>

#include <cstdio>

#include "kernels/base/text.h"

namespace gradmint::session {
namespace {
constexpr std::size_t kBarCells = 24;
constexpr std::size_t kMaxLineBytes = 1000;
}  // namespace

bool Console::stdout_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }

void Console::clear_bar() {
  if (!bar_shown_) return;
  std::fputs("\r\033[K", stdout);
  std::fflush(stdout);
  bar_shown_ = false;
}

void Console::say(const Say& line) {
  clear_bar();
  // Some of it comes from the coordinator.
  const std::string text = clean_text(line.text, kMaxLineBytes);
  std::fprintf(line.warning ? stderr : stdout, "%s%s\n", line.warning ? "warning: " : "",
               text.c_str());
  std::fflush(stdout);
}

void Console::fail(const std::string& text) {
  clear_bar();
  std::fprintf(stderr, "gradmint-worker: %s\n", clean_text(text, kMaxLineBytes).c_str());
}

void Console::show(const Show& state) {
  if (!terminal_) return;
  std::string bar;
  const std::size_t full = kBarCells * state.done_ppm / 1'000'000;
  for (std::size_t i = 0; i < kBarCells; ++i) bar += i < full ? '#' : '.';
  std::printf("\r\033[Kround %llu [%s] %3u %% %s", static_cast<unsigned long long>(state.round),
              bar.c_str(), state.done_ppm / 10'000, clean_text(state.doing, 60).c_str());
  std::fflush(stdout);
  bar_shown_ = true;
}

}  // namespace gradmint::session
