// What becomes of a program when whoever runs it is killed.
#include "worker/child_process.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "tests/worker/scratch.h"

using namespace gradmint;
using gradmint::test::Scratch;

namespace {

std::string text_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

// It may remain a zombie until init reaps it.
void await_end(const std::string& pid) {
  for (;;) {
    const std::string state = text_of("/proc/" + pid + "/stat");
    if (state.empty() || state.find(") Z ") != std::string::npos) return;
    std::this_thread::yield();
  }
}

}  // namespace

TEST_CASE("a program ends with whoever runs it, SIGKILL included, and so do its helpers") {
  const Scratch scratch;
  const auto file = scratch.path() / "pids";
  ChildTask task;
  task.directory = scratch.path();
  task.command =
      "trap '' TERM HUP; sh -c 'trap \"\" TERM HUP; while :; do sleep 0.05; done' & "
      "echo $$ $! > new; mv new pids; while :; do sleep 0.05; done";
  const pid_t runner = ::fork();
  REQUIRE(runner >= 0);
  if (runner == 0) {
    [[maybe_unused]] const auto outcome = run_child(task, nullptr);
    ::_exit(1);  // it ends by SIGKILL alone
  }
  while (!std::filesystem::exists(file)) std::this_thread::yield();
  REQUIRE(::kill(runner, SIGKILL) == 0);
  REQUIRE(::waitpid(runner, nullptr, 0) == runner);
  std::istringstream pids(text_of(file));
  for (std::string pid; pids >> pid;) await_end(pid);
}

TEST_CASE("whatever a program leaves is ended, and nothing of ours stays behind") {
  const Scratch scratch;
  ChildTask task;
  task.directory = scratch.path();
  task.command = "sleep 1000 & echo $!";
  std::string helper;
  const auto outcome = run_child(task, [&](const std::string& line) { helper = line; });
  REQUIRE(outcome.ok());
  CHECK(outcome->end == ChildEnd::exited);
  CHECK(outcome->code == 0);
  await_end(helper);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);  // no child is left
}
