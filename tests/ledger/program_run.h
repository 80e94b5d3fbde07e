// A program of ours as a process of its own, with a deadline: what it printed and how it ended.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "gradmint_test_paths.h"
#include "tests/ledger/store_fixture.h"

namespace gradmint::test {

struct ProgramRun {
  int status = -1;  // 128 + n after signal n; -1: it overran its deadline and was killed
  std::string output, errors;
};

inline std::string whole_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline ProgramRun run_program(const std::string& name, const std::vector<std::string>& words,
                              int deadline_s = 60) {
  const TemporaryDirectory here;
  const auto output = here.path() / "output", errors = here.path() / "errors";
  std::vector<std::string> line = {std::string(GRADMINT_BIN_DIR) + "/" + name};
  line.insert(line.end(), words.begin(), words.end());
  std::vector<char*> pointers;
  for (std::string& word : line) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
    ::dup2(::open(output.c_str(), O_WRONLY | O_CREAT, 0600), STDOUT_FILENO);
    ::dup2(::open(errors.c_str(), O_WRONLY | O_CREAT, 0600), STDERR_FILENO);
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  REQUIRE(handle >= 0);
  pollfd ended{handle, POLLIN, 0};
  const bool overran = ::poll(&ended, 1, deadline_s * 1000) == 0;
  if (overran) ::kill(child, SIGKILL);
  ::close(handle);
  int how = 0;
  REQUIRE(::waitpid(child, &how, 0) == child);
  ProgramRun ran;
  ran.status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
  if (overran) ran.status = -1;
  ran.output = whole_file(output);
  ran.errors = whole_file(errors);
  return ran;
}

}  // namespace gradmint::test
