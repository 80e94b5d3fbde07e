// A queue over a real pipe whose reader stands still, goes away, comes back.
#include "ledger/output/output_queue.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>

using namespace gradmint;

namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  int read_end = -1, write_end = -1;
  Pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    read_end = ends[0];
    write_end = ends[1];
  }
  ~Pipe() {
    close_reader();
    ::close(write_end);
  }
  void close_reader() {
    if (read_end >= 0) ::close(read_end);
    read_end = -1;
  }
  // Reads until `text` has come.
  std::string read_until(const std::string& text) {
    std::string all;
    char buffer[65536];
    while (all.find(text) == std::string::npos) {
      pollfd ready{read_end, POLLIN, 0};
      REQUIRE(::poll(&ready, 1, 20'000) == 1);
      const ssize_t got = ::read(read_end, buffer, sizeof buffer);
      REQUIRE(got > 0);
      all.append(buffer, static_cast<std::size_t>(got));
    }
    return all;
  }
};

std::string dropped(std::uint64_t lines) { return "DROPPED " + std::to_string(lines) + "\n"; }

long long ms_of(const std::function<void()>& what) {
  const auto before = Clock::now();
  what();
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - before).count();
}

std::uint64_t count_of(const std::string& text, const std::string& what) {
  std::uint64_t n = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++n;
  return n;
}

}  // namespace

TEST_CASE("a reader that stands still costs lines, no time; they are counted when it goes on") {
  Pipe pipe;
  OutputQueue queue(pipe.write_end, dropped);
  const std::string line = "line " + std::string(994, 'x') + "\n";
  constexpr std::uint64_t kLines = 20'000;  // 20 MB into a pipe of 64 KiB
  CHECK(ms_of([&] {
          for (std::uint64_t i = 0; i < kLines; ++i) queue.write(line);
        }) < 5000);
  const std::uint64_t lost = queue.dropped_lines();
  CHECK(lost > kLines - 1300);  // a MiB waits, and what the pipe holds
  CHECK(lost < kLines);
  // The reader goes on, though nothing new is written.
  const std::string read = pipe.read_until("DROPPED");
  CHECK(read.find(dropped(lost)) != std::string::npos);
  CHECK(count_of(read, "line ") == kLines - lost);
  queue.write("the next\n");
  CHECK(pipe.read_until("next\n") == "the next\n");
  CHECK(queue.close(10'000));
}

TEST_CASE("what is missing is told where it is missing") {
  Pipe pipe;
  OutputQueue queue(pipe.write_end, dropped, 4096);
  const std::string line(999, 'x');
  std::uint64_t written = 0;
  while (queue.dropped_lines() == 0) queue.write(std::to_string(written++) + line + "\n");
  std::string read = pipe.read_until("\n");  // there is room again
  while (read.find("DROPPED") == std::string::npos) {
    queue.write("after\n");
    read += pipe.read_until("\n");
  }
  if (read.find("after") != std::string::npos) CHECK(read.find("DROPPED") < read.find("after"));
}

TEST_CASE("closing ends within its patience, whether the reader stands still or is gone") {
  std::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  OutputQueue stalled(pipe.write_end, dropped);
  for (int i = 0; i < 1000; ++i) stalled.write(std::string(999, 'x') + "\n");
  bool all = true;
  CHECK(ms_of([&] { all = stalled.close(200); }) < 3000);
  CHECK_FALSE(all);
  stalled.write("nothing comes of this\n");

  Pipe other;
  OutputQueue gone(other.write_end, dropped);
  other.close_reader();
  for (int i = 0; i < 1000; ++i) gone.write("x\n");
  CHECK_FALSE(gone.close(10'000));
  CHECK(gone.dropped_lines() == 1000);
}

TEST_CASE("a descriptor that another party made non-blocking loses nothing") {
  Pipe pipe;
  REQUIRE(::fcntl(pipe.write_end, F_SETFL, O_NONBLOCK) == 0);
  OutputQueue queue(pipe.write_end, dropped);
  for (int i = 0; i < 500; ++i) queue.write(std::string(999, 'x') + "\n");
  queue.write("END\n");
  CHECK(pipe.read_until("END\n").size() == 500'004);
  CHECK(queue.close(10'000));
  CHECK(queue.dropped_lines() == 0);
}

TEST_CASE("a full disk costs lines and nothing else") {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  REQUIRE(full >= 0);
  OutputQueue queue(full, dropped);
  for (int i = 0; i < 100; ++i) queue.write("x\n");
  CHECK_FALSE(queue.close(10'000));
  CHECK(queue.dropped_lines() == 100);
  ::close(full);
}
