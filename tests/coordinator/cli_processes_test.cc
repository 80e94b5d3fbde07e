#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>

#include "coordinator/cli/dev_processes.h"

using namespace gradmint;

namespace {

struct Directory {
  std::filesystem::path path;
  Directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "gradmint-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Directory() { std::filesystem::remove_all(path); }
};

std::vector<std::string> shell(const std::string& script) { return {"/bin/sh", "-c", script}; }

// All that happens until `count` children have ended.
Happening until_exits(Children& children, std::size_t count) {
  Happening all;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (all.exits.size() < count && !all.interrupted) {
    // Half a line, or the end of an output, wakes it with nothing to tell.
    Happening now = children.wait(10'000);
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    all.lines.insert(all.lines.end(), now.lines.begin(), now.lines.end());
    all.exits.insert(all.exits.end(), now.exits.begin(), now.exits.end());
    all.interrupted = now.interrupted;
  }
  return all;
}

// Whether the process is gone, given up on after ten seconds.
bool vanishes(pid_t pid) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (kill(pid, 0) == 0) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    sched_yield();
  }
  return errno == ESRCH;
}

}  // namespace

TEST_CASE("children: lines come in order and before the exit, statuses are told") {
  const Directory logs;
  auto children = Children::create(logs.path);
  REQUIRE(children.ok());
  const auto talker =
      children->start("talker", shell("echo one; printf two; echo bad >&2"), Output::lines);
  REQUIRE(talker.ok());
  Happening all = until_exits(*children, 1);
  REQUIRE(all.lines.size() == 2);
  CHECK(all.lines[0].text == "one");
  CHECK(all.lines[1].text == "two");
  CHECK(all.exits[0].succeeded);
  CHECK(children->last_words("talker") == "  bad");
  CHECK_FALSE(children->any_running());

  REQUIRE(children->start("failing", shell("exit 3"), Output::log).ok());
  REQUIRE(children->start("killed", shell("kill -9 $$"), Output::log).ok());
  all = until_exits(*children, 2);
  for (const ChildExit& exit : all.exits) {
    CHECK_FALSE(exit.succeeded);
    CHECK(exit.text ==
          (exit.name == "failing" ? "exited with status 3" : "was ended by signal 9 (Killed)"));
  }
}

TEST_CASE("children: lines can be copied to the log") {
  const Directory logs;
  auto children = Children::create(logs.path);
  REQUIRE(children.ok());
  REQUIRE(children->start("both", shell("echo said; echo bad >&2"), Output::lines_and_log).ok());
  const Happening all = until_exits(*children, 1);
  REQUIRE(all.lines.size() == 2);
  CHECK(all.lines[0].text == "said");
  CHECK(all.lines[1].text == "bad");
  CHECK(children->last_words("both") == "  said\n  bad");
}

TEST_CASE("children: a program that is not there") {
  const Directory logs;
  auto children = Children::create(logs.path);
  REQUIRE(children.ok());
  const auto missing = children->start("missing", {"/nonexistent/program"}, Output::lines);
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().message ==
        "/nonexistent/program could not be started: No such file or directory");
  CHECK_FALSE(children->any_running());
}

TEST_CASE("children: run gives the output and leaves others' news for later") {
  const Directory logs;
  auto children = Children::create(logs.path);
  REQUIRE(children.ok());
  const auto other = children->start("other", shell("echo early; exit 4"), Output::lines);
  REQUIRE(other.ok());
  const auto ran = children->run("short", shell("echo hello; exit 1"));
  REQUIRE(ran.ok());
  CHECK(ran->output == "hello\n");
  CHECK_FALSE(ran->succeeded);
  CHECK(ran->text == "exited with status 1");
  const Happening news = until_exits(*children, 1);
  REQUIRE(news.lines.size() == 1);
  CHECK(news.lines[0].text == "early");
  CHECK(news.exits[0].name == "other");
}

TEST_CASE("children: stop_all ends the stubborn and what they started") {
  const Directory logs;
  auto children = Children::create(logs.path);
  REQUIRE(children.ok());
  REQUIRE(children
              ->start("stubborn",
                      shell("trap '' TERM; sleep 600 & echo $!; while :; do wait; done"),
                      Output::lines)
              .ok());
  Happening now;
  while (now.lines.empty()) now = children->wait(10'000);
  const pid_t grandchild = static_cast<pid_t>(std::stol(now.lines[0].text));
  children->stop_all(100);
  CHECK_FALSE(children->any_running());
  CHECK(vanishes(grandchild));
}

TEST_CASE("children: an interrupt is told") {
  const Directory logs;
  auto children = Children::create(logs.path);
  REQUIRE(children.ok());
  REQUIRE(children->start("waiting", shell("sleep 600"), Output::log).ok());
  kill(getpid(), SIGTERM);
  CHECK(children->wait(10'000).interrupted);
}

TEST_CASE("children: nothing is left behind when their parent is killed") {
  const Directory logs;
  const auto note = logs.path / "pid";
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t parent = fork();
  if (parent == 0) {
    auto children = Children::create(logs.path);
    if (!children || !children->start("left", shell("echo $$; exec sleep 600"), Output::lines))
      _exit(1);
    const Happening now = children->wait(10'000);
    if (now.lines.size() != 1) _exit(1);
    const std::string line = now.lines[0].text + "\n";
    if (write(ready[1], line.data(), line.size()) < 0) _exit(1);
    kill(getpid(), SIGKILL);
  }
  close(ready[1]);
  char text[32] = {};
  REQUIRE(read(ready[0], text, sizeof text - 1) > 0);
  close(ready[0]);
  waitpid(parent, nullptr, 0);
  CHECK(vanishes(static_cast<pid_t>(std::atol(text))));
}

TEST_CASE("children: the copy of what one says is bounded on disk, and has the newest") {
  const Directory logs;
  auto children = Children::create(logs.path);
  REQUIRE(children.ok());
  REQUIRE(
      children
          ->start("talker",
                  shell("head -c 30000000 /dev/zero | tr '\\0' x | fold -w 1000; echo; echo last"),
                  Output::lines_and_log)
          .ok());
  const Happening all = until_exits(*children, 1);
  CHECK(all.lines.size() == 30'001u);
  CHECK(children->last_words("talker", 1) == "  last");
  std::uintmax_t total_bytes = 0, files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(logs.path)) {
    total_bytes += entry.file_size();
    ++files;
  }
  CHECK(files == 2);
  CHECK(total_bytes <= std::uintmax_t{20} << 20);
  CHECK(total_bytes >= std::uintmax_t{10} << 20);
}
