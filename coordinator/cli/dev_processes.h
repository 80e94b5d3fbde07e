// The processes of a `gradmint dev`: started, watched, and never left behind. Each is in a process
// group of its own, reads /dev/null, has a log, LOG_DIR/NAME.log, and gets SIGTERM from the kernel
// when this process dies.
// One object per program: it takes over SIGINT, SIGTERM, SIGHUP and SIGCHLD. Not thread safe.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/base/result.h"

namespace gradmint {

struct ChildExit {
  std::size_t child = 0;
  std::string name;
  bool succeeded = false;
  std::string text;  // "exited with status 2", "was ended by signal 9 (Killed)"
};

struct ChildLine {
  std::size_t child = 0;
  std::string text;
};

struct Happening {
  std::vector<ChildLine> lines;  // in order; before the exits they precede
  std::vector<ChildExit> exits;
  bool interrupted = false;  // SIGINT, SIGTERM or SIGHUP reached this process
};

// Where what a child writes goes.
enum class Output {
  log,            // all to its log
  lines,          // standard output to us, standard error to its log
  lines_and_log,  // all to us, and a copy to its log; the newest 10 to 20 MiB in NAME.log[.1]
};

struct FinishedChild {
  bool succeeded = false;
  std::string text;    // as in ChildExit
  std::string output;  // its standard output
};

class Children {
 public:
  static Result<Children> create(std::filesystem::path log_dir);
  ~Children();  // ends whatever still runs, at once
  Children(Children&& other) noexcept;
  Children& operator=(Children&&) = delete;

  // Returns the child's number, counting from 0.
  Result<std::size_t> start(const std::string& name, const std::vector<std::string>& words,
                            Output output);
  // Waits until something happens, at most timeout_ms (−1: for ever). May come back with nothing to
  // tell: half a line, the end of an output.
  Happening wait(int timeout_ms);

  // Runs one program to its end. refused: this process was interrupted. What happens to other
  // children meanwhile is told by the next wait().
  Result<FinishedChild> run(const std::string& name, const std::vector<std::string>& words);

  // Asks every child to end, waits at most grace_ms, then makes the rest. A second interrupt makes
  // them at once.
  void stop_all(int grace_ms);

  bool running(std::size_t child) const { return children_[child].pid > 0; }
  bool any_running() const;
  const std::string& name_of(std::size_t child) const { return children_[child].name; }
  std::filesystem::path log_of(const std::string& name) const;
  // The last lines of a child's log, indented for showing, or "" when it wrote nothing.
  std::string last_words(const std::string& name, std::size_t lines = 5) const;

 private:
  struct Child {
    std::string name;
    pid_t pid = -1;  // −1: has ended
    int output = -1;
    int copy = -1;  // of what it writes: its log
    std::uint64_t copied_bytes = 0;
    std::string partial;  // of a line
  };
  explicit Children(std::filesystem::path log_dir) : log_dir_(std::move(log_dir)) {}
  void keep(Child& child, std::string_view bytes);
  void read_output(std::size_t child, std::vector<ChildLine>& lines);
  void reap(Happening& now);
  void kill_all(int signal, bool groups);

  std::filesystem::path log_dir_;
  int signals_ = -1;
  std::vector<Child> children_;
  Happening kept_;  // what happened during run() to others
};

}  // namespace gradmint
