// Programs as processes of their own: started, listened to, killed, and never left behind.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace gradmint::test {

inline constexpr int kPatienceS = 150;  // for anything that a quiet machine does in ten

struct Directory {
  std::filesystem::path path;
  Directory();
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
};

using Words = std::vector<std::string>;

struct Setting {
  std::map<std::string, std::string> environment;  // on top of this process's own
  std::uint64_t max_file_bytes = 0;                // RLIMIT_FSIZE; 0: none
  int pipe_bytes = 0;                              // of its standard output; 0: the system's
  bool stalled = false;  // its standard output is full of empty lines from the start
};

// A running program. Its standard output is read line by line, by await*() and wait() alone:
// between them the reader stands still. Its standard error goes to a file. Failing to happen in
// time fails the test case. Single-threaded.
class Process {
 public:
  Process(const Words& words, const std::filesystem::path& error_file, const Setting& setting = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // The next event of that name with, if `round` is not 0, that round; all before it are kept too.
  nlohmann::json await(const std::string& event, std::uint64_t round = 0,
                       int patience_s = kPatienceS);
  // The next line that begins so.
  std::string await_line(const std::string& start, int patience_s = kPatienceS);
  // Its exit status, 128 + n after signal n; everything it printed is in lines().
  int wait(int patience_s = kPatienceS);
  // Whether it ends, while nobody reads what it writes. wait() follows.
  bool ends_unread(int patience_s = kPatienceS) const;
  void signal(int number) const;
  int kill();  // SIGKILL, and waits

  bool running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  const std::vector<std::string>& lines() const { return lines_; }
  std::vector<nlohmann::json> events() const;  // those lines that are JSON objects
  std::string errors() const;

 private:
  bool read_some(int timeout_ms);  // false: nothing more will come
  std::string seen() const;
  int reap();

  pid_t pid_ = -1;
  int output_ = -1;
  std::filesystem::path error_file_;
  std::string partial_;
  std::vector<std::string> lines_;
  std::size_t awaited_ = 0;  // lines before this were looked at
};

struct Ran {
  int status = -1;
  std::string output, errors;
};
// Runs a program to its end.
Ran run(const Words& words, const Setting& setting = {}, int patience_s = kPatienceS);

// A program's path: gradmint, gradmint-coordinator, gradmint-worker.
std::string program(const std::string& name);

std::string read_text(const std::filesystem::path& file);
void write_text(const std::filesystem::path& file, const std::string& text);
void flip_bit(const std::filesystem::path& file, std::uint64_t bit);
// Every file below, with its bytes.
std::map<std::string, std::string> contents_of(const std::filesystem::path& directory);

}  // namespace gradmint::test
