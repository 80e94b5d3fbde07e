#include "worker/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>

extern char** environ;

namespace gradmint {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxLineBytes = 400;
constexpr std::size_t kMaxDrainBytes = 1 << 20;  // of what is left in the pipe after its end
constexpr int kPollMs = 20;
constexpr int kGoFd = 9;  // a shell's descriptors have one digit

Error system_error(const char* what, int code) {
  return {ErrorCode::io, std::string(what) + ": " + std::strerror(code)};
}

// Cuts a byte stream into printable lines.
class LineCutter {
 public:
  explicit LineCutter(const std::function<void(const std::string&)>& on_line) : on_line_(on_line) {}

  void feed(const char* bytes, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      const char c = bytes[i];
      if (c == '\n' || c == '\r') {
        end_line();
      } else if (line_.size() < kMaxLineBytes) {
        const auto u = static_cast<unsigned char>(c);
        line_ += u < 0x20 || u == 0x7F ? ' ' : c;
      }
    }
  }
  void end_line() {
    if (line_.find_first_not_of(' ') != std::string::npos) {
      last_line_ = line_;
      if (on_line_) on_line_(line_);
    }
    line_.clear();
  }
  const std::string& last_line() const { return last_line_; }

 private:
  const std::function<void(const std::string&)>& on_line_;
  std::string line_;
  std::string last_line_;
};

struct Pipe {
  int read_end = -1;
  int write_end = -1;
  Pipe() = default;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_write();
    if (read_end >= 0) ::close(read_end);
  }
  void close_write() {
    if (write_end >= 0) ::close(write_end);
    write_end = -1;
  }
};

std::vector<char*> child_environment(const std::vector<std::string>& extra) {
  const auto name_of = [](const char* entry) {
    const char* equals = std::strchr(entry, '=');
    return equals == nullptr ? std::string(entry) : std::string(entry, equals);
  };
  std::vector<char*> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    bool replaced = false;
    for (const std::string& given : extra) replaced |= name_of(given.c_str()) == name_of(*entry);
    if (!replaced) entries.push_back(*entry);
  }
  for (const std::string& given : extra) entries.push_back(const_cast<char*>(given.c_str()));
  entries.push_back(nullptr);
  return entries;
}

// Runs /bin/sh with these words behind its name, in a process group of its own.
Result<pid_t> spawn_shell(std::vector<std::string> words, const posix_spawn_file_actions_t& actions,
                          char* const* environment) {
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  words.insert(words.begin(), "sh");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t pid = 0;
  const int code =
      posix_spawn(&pid, "/bin/sh", &actions, &attributes, arguments.data(), environment);
  posix_spawnattr_destroy(&attributes);
  if (code != 0) return system_error("cannot start /bin/sh", code);
  return pid;
}

// Starts a shell that becomes the command once a line comes on `go_fd`, and ends where that is
// closed without one.
Result<pid_t> start(const ChildTask& task, int output_fd, int go_fd) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output_fd, STDERR_FILENO);
  posix_spawn_file_actions_adddup2(&actions, go_fd, kGoFd);
  posix_spawn_file_actions_addchdir_np(&actions, task.directory.c_str());
  const std::vector<char*> environment = child_environment(task.environment);
  const auto pid = spawn_shell(
      {"-c", "read -r go <&9 || exit 1; exec /bin/sh -c \"$1\" 9<&-", "sh", task.command}, actions,
      environment.data());
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

// Ends a group once this process has ended, however that came about: by SIGKILL, by a closed
// terminal, for want of memory. A process of its own that waits for the end of a pipe which this
// one alone holds open; whoever has ended can tell it nothing else.
class Guard {
 public:
  Guard() = default;
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  // Before the group's leader is reaped: its number may be another's afterwards.
  ~Guard() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  Status watch_over(pid_t group) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("cannot make a pipe", errno);
    alive_.read_end = ends[0];
    alive_.write_end = ends[1];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, alive_.read_end, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    const auto pid = spawn_shell(
        {"-c", "read -r never; kill -s KILL -- \"-$1\"", "gradmint-guard", std::to_string(group)},
        actions, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (!pid) return pid.error();
    pid_ = *pid;
    return {};
  }

 private:
  Pipe alive_;
  pid_t pid_ = 0;
};

// True once the group's leader has ended; it stays unreaped, so its group id cannot be reused.
bool has_ended(pid_t pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == pid;
}

// Reads what is there. False at the end of the stream.
bool read_some(int fd, LineCutter& lines, std::size_t& total) {
  std::array<char, 65536> piece;
  const ssize_t got = ::read(fd, piece.data(), piece.size());
  if (got > 0) {
    total += static_cast<std::size_t>(got);
    lines.feed(piece.data(), static_cast<std::size_t>(got));
    return true;
  }
  return got < 0 && (errno == EINTR || errno == EAGAIN);
}

// Follows the child until its leader has ended; says why we ended it, if we did.
std::optional<ChildEnd> follow(const ChildTask& task, pid_t pid, int fd, LineCutter& lines) {
  const Clock::time_point deadline = Clock::now() + std::chrono::milliseconds(task.deadline_ms);
  std::optional<ChildEnd> ended_by_us;
  Clock::time_point kill_at{};
  bool open = true;
  std::size_t total = 0;
  while (!has_ended(pid)) {
    pollfd waiting{open ? fd : -1, POLLIN, 0};
    if (::poll(&waiting, 1, kPollMs) > 0) open = read_some(fd, lines, total);
    const Clock::time_point now = Clock::now();
    if (!ended_by_us) {
      if (task.cancelled != nullptr && task.cancelled->load()) ended_by_us = ChildEnd::cancelled;
      if (task.deadline_ms != 0 && now >= deadline) ended_by_us = ChildEnd::overran;
      if (ended_by_us) {
        ::kill(-pid, SIGTERM);
        kill_at = now + std::chrono::milliseconds(task.grace_ms);
      }
    } else if (now >= kill_at) {
      ::kill(-pid, SIGKILL);
    }
  }
  return ended_by_us;
}

}  // namespace

Result<ChildOutcome> run_child(const ChildTask& task,
                               const std::function<void(const std::string&)>& on_line) {
  Pipe pipe;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("cannot make a pipe", errno);
  pipe.read_end = ends[0];
  pipe.write_end = ends[1];
  ::fcntl(pipe.read_end, F_SETFL, O_NONBLOCK);
  Pipe go;  // the command waits for its guard: without one it would outlive a SIGKILL of ours
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("cannot make a pipe", errno);
  go.read_end = ends[0];
  go.write_end = ends[1];
  Result<pid_t> pid = start(task, pipe.write_end, go.read_end);
  if (!pid) return pid.error();
  pipe.close_write();
  LineCutter lines(on_line);
  std::optional<ChildEnd> ended_by_us;
  Status guarded;
  {
    Guard guard;
    guarded = guard.watch_over(*pid);
    if (guarded && ::write(go.write_end, "\n", 1) != 1)
      guarded = system_error("cannot write to a pipe", errno);
    if (guarded) ended_by_us = follow(task, *pid, pipe.read_end, lines);
    ::kill(-*pid, SIGKILL);  // what it left behind
  }
  for (std::size_t total = 0; total < kMaxDrainBytes;) {
    const std::size_t before = total;
    if (!read_some(pipe.read_end, lines, total) || total == before) break;
  }
  lines.end_line();
  int status = 0;
  while (::waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!guarded) return guarded.error();
  ChildOutcome outcome;
  outcome.last_line = lines.last_line();
  outcome.end = WIFSIGNALED(status) ? ChildEnd::signalled : ChildEnd::exited;
  outcome.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
  if (ended_by_us) outcome.end = *ended_by_us;
  return outcome;
}

}  // namespace gradmint
