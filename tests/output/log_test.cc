// The log of a long-running program: printable, bounded on disk, and never a reason to stop.
#include "ledger/output/log.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <map>

using namespace gradmint;
namespace fs = std::filesystem;

namespace {

struct Directory {
  fs::path path;
  Directory() {
    std::string pattern = (fs::temp_directory_path() / "gradmint-log-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Directory() { fs::remove_all(path); }
};

std::string read_text(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// `what` in a process of its own, whose standard error goes to `errors`: a log is a program's one.
int in_child(const fs::path& errors, const std::function<void()>& what) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const int file = ::open(errors.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(file, STDERR_FILENO);
    what();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

TEST_CASE("three files of so many bytes, whatever is logged") {
  const Directory here;
  CHECK(in_child(here.path / "errors", [&] {
          start_log("test", "warn");
          if (!add_log_file({here.path / "log" / "test.log", 20'000, 3}).ok()) ::_exit(9);
          for (int i = 0; i < 5000; ++i) spdlog::info("line {} {}", i, std::string(100, 'x'));
          spdlog::debug("not asked for");
          stop_log(1000);
        }) == 0);
  std::map<std::string, std::uintmax_t> sizes;
  for (const auto& entry : fs::directory_iterator(here.path / "log"))
    sizes[entry.path().filename().string()] = entry.file_size();
  REQUIRE(sizes.size() == 3);
  for (const auto& [name, size_bytes] : sizes) CHECK(size_bytes <= 20'000);
  CHECK(read_text(here.path / "log" / "test.log").find("line 4999") != std::string::npos);
  CHECK(read_text(here.path / "log" / "test.log").find("not asked") == std::string::npos);
  CHECK(read_text(here.path / "errors").empty());  // the level there is warn
}

TEST_CASE("a log line is one line, in the file and on standard error") {
  const Directory here;
  CHECK(in_child(here.path / "errors", [&] {
          start_log("test", "info");
          if (!add_log_file({here.path / "test.log", 20'000, 3}).ok()) ::_exit(9);
          spdlog::warn("worker {} came", "\x1b[2Ja\nb\xff\u202e");
          stop_log(1000);
        }) == 0);
  for (const char* name : {"errors", "test.log"}) {
    const std::string text = read_text(here.path / name);
    CAPTURE(text);
    CHECK(text.find("worker \\x1b[2Ja\\x0ab\\xff\\u202e came\n") != std::string::npos);
    CHECK(text.find('\n') == text.size() - 1);
  }
}

TEST_CASE("standard error gets so many lines of a level a minute, the file all") {
  const Directory here;
  CHECK(in_child(here.path / "errors", [&] {
          start_log("test", "debug");
          if (!add_log_file({here.path / "test.log", 10 << 20, 3}).ok()) ::_exit(9);
          for (int i = 0; i < 5000; ++i) spdlog::debug("line {}", i);
          spdlog::warn("something else");
          stop_log(1000);
        }) == 0);
  const std::string errors = read_text(here.path / "errors");
  CHECK(errors.find("line 999\n") != std::string::npos);
  CHECK(errors.find("line 1100") == std::string::npos);
  CHECK(errors.find("something else") != std::string::npos);
  CHECK(read_text(here.path / "test.log").find("line 4999") != std::string::npos);
}

TEST_CASE("a full disk, or no place for a log, stops nothing") {
  const Directory here;
  fs::create_symlink("/dev/full", here.path / "full.log");
  CHECK(in_child(here.path / "errors", [&] {
          start_log("test", "warn");
          if (!add_log_file({here.path / "full.log", 100'000, 3}).ok()) ::_exit(9);
          for (int i = 0; i < 100; ++i) spdlog::info("line {}", i);
          stop_log(1000);
        }) == 0);
  CHECK(read_text(here.path / "errors").empty());
  CHECK(in_child(here.path / "errors", [&] {
          start_log("test", "warn");
          std::ofstream(here.path / "no-folder") << "x";
          if (add_log_file({here.path / "no-folder" / "test.log"}).ok()) ::_exit(9);
          spdlog::warn("still here");
          stop_log(1000);
        }) == 0);
  CHECK(read_text(here.path / "errors").find("still here") != std::string::npos);
}
