// The display on terminals of several widths, and while these are resized: what a person sees.
#include <doctest/doctest.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "coordinator/cli/event_output.h"

using namespace gradmint;
using nlohmann::json;

namespace {

constexpr int kPatienceMs = 20'000;

// As much of a terminal as the display uses: carriage returns, line ends, the removal of a line,
// and lines that wrap at the right edge. Narrowed, it cuts lines off, as xterm does.
class Screen {
 public:
  explicit Screen(std::size_t columns) : columns_(columns) {}

  void feed(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (c == '\x1b') {
        std::string sequence;
        while (++i < text.size() && !std::isalpha(static_cast<unsigned char>(text[i])))
          sequence += text[i];
        if (i < text.size() && text[i] == 'K') row().clear();
      } else if (c == '\r') {
        column_ = 0;
      } else if (c == '\n') {
        rows_.emplace_back();
      } else if ((static_cast<unsigned char>(c) & 0xC0) == 0x80) {
        row()[column_ - 1] += c;
      } else {
        put(c);
      }
    }
  }
  void resize(std::size_t columns) {
    columns_ = columns;
    for (auto& cells : rows_) cells.resize(std::min(cells.size(), columns));
    column_ = std::min(column_, columns);
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    for (const auto& cells : rows_) {
      std::string& line = out.emplace_back();
      for (const std::string& cell : cells) line += cell;
      line.resize(line.find_last_not_of(' ') + 1);
    }
    return out;
  }

 private:
  std::vector<std::string>& row() { return rows_.back(); }
  void put(char c) {
    if (column_ == columns_) {  // what comes next goes to a row of its own
      rows_.emplace_back();
      column_ = 0;
    }
    if (row().size() <= column_) row().resize(column_ + 1, " ");
    row()[column_++] = c;
  }
  std::size_t columns_;
  std::vector<std::vector<std::string>> rows_{1};
  std::size_t column_ = 0;
};

const std::string kAddress = "gm1" + std::string(58, 'q');

struct Step {
  json event;
  const char* awaited;  // the end of what it shows last
};
std::vector<Step> steps() {
  const json worker = {{"worker", kAddress}, {"name", "worker-1"}};
  const auto of_worker = [&](json event) {
    event.update(worker);
    return event;
  };
  return {
      {{{"event", "waiting"}, {"workers", 0}, {"needed", 4}}, "workers 0/4"},
      {of_worker({{"event", "worker_registered"}}), "workers 0/4"},
      {{{"event", "waiting"}, {"workers", 3}, {"needed", 4}}, "workers 3/4"},
      {{{"event", "warning"}, {"text", "the disk is nearly full"}}, "workers 3/4"},
      {{{"event", "round_opened"}, {"round", 1}, {"rounds", 10}, {"members", 4}}, "training 0/4"},
      {of_worker({{"event", "committed"}, {"round", 1}, {"committed", 2}, {"members", 4}}),
       "training 2/4"},
      {{{"event", "closed"}, {"round", 1}, {"committed", 3}, {"missing", {worker}}},
       "revealing 0/3"},
      {{{"event", "paused"}}, "revealing 0/3"},
  };
}

struct Terminal {
  int master = -1, go = -1;
  pid_t pid = -1;
  Screen screen;
  std::string seen;

  explicit Terminal(std::size_t columns) : screen(columns) {
    int pipe[2];
    REQUIRE(::pipe(pipe) == 0);
    winsize size{50, static_cast<unsigned short>(columns), 0, 0};
    pid = ::forkpty(&master, nullptr, nullptr, &size);
    REQUIRE(pid >= 0);
    if (pid == 0) {
      ::close(pipe[1]);
      EventOutput output({false, "home", false});
      char byte;
      for (const Step& step : steps()) {
        if (::read(pipe[0], &byte, 1) != 1) break;
        output.on(step.event);
      }
      static_cast<void>(::read(pipe[0], &byte, 1));
      output.close(10'000);
      ::_exit(0);
    }
    ::close(pipe[0]);
    go = pipe[1];
  }
  ~Terminal() {
    ::close(go);
    ::close(master);
    ::waitpid(pid, nullptr, 0);
  }
  void resize(std::size_t columns) {
    winsize size{50, static_cast<unsigned short>(columns), 0, 0};
    REQUIRE(::ioctl(master, TIOCSWINSZ, &size) == 0);
    screen.resize(columns);
  }
  // Lets the next event be shown, and reads until its end is there.
  void show(const std::string& awaited) {
    seen.clear();
    REQUIRE(::write(go, "+", 1) == 1);
    while (!seen.ends_with(awaited)) {
      pollfd ready{master, POLLIN, 0};
      CAPTURE(seen);
      REQUIRE(::poll(&ready, 1, kPatienceMs) == 1);
      char buffer[4096];
      const ssize_t got = ::read(master, buffer, sizeof buffer);
      REQUIRE(got > 0);
      seen.append(buffer, static_cast<std::size_t>(got));
    }
    screen.feed(seen);
  }
};

// One live line, the last; no other line has any of it, and none is cut into another.
void check_tidy(const std::vector<std::string>& lines, const std::string& awaited) {
  CAPTURE(lines);
  CHECK(lines.back().ends_with(awaited));
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    CHECK(lines[i].find("/4") == std::string::npos);
    CHECK(lines[i].find("/3") == std::string::npos);
    CHECK(lines[i].find('[') == std::string::npos);
    CHECK(lines[i].rfind("worker-1 joined") == (i == 0 ? 0 : std::string::npos));
  }
}

}  // namespace

TEST_CASE("the live line leaves nothing of itself, whatever the terminal's width") {
  for (const std::size_t columns : {40u, 80u, 110u, 200u}) {
    CAPTURE(columns);
    Terminal terminal(columns);
    for (const Step& step : steps()) {
      terminal.show(step.awaited);
      const auto lines = terminal.screen.lines();
      check_tidy(lines, step.awaited);
      CHECK(lines.back().size() < columns);
    }
    const auto lines = terminal.screen.lines();
    // Addresses are short enough for one row.
    CHECK(lines[0] == "worker-1 joined as gm1qqqqqqqqq…qqqqqq");
    CHECK(lines[1] == "warning: the disk is nearly full");
    CHECK(lines[2] == "round 1 goes on without worker-1");
    CHECK(lines.size() == 5);
  }
}

TEST_CASE("the live line leaves nothing of itself while the terminal is resized") {
  const std::size_t widths[] = {200, 40, 110, 60, 80, 45, 200, 41};
  Terminal terminal(widths[0]);
  std::size_t next = 0;
  for (const Step& step : steps()) {
    terminal.resize(widths[next++ % std::size(widths)]);
    terminal.show(step.awaited);
    check_tidy(terminal.screen.lines(), step.awaited);
  }
}
