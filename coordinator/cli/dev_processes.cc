#include "coordinator/cli/dev_processes.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <deque>
#include <fstream>
#include <utility>

#include "kernels/base/printable.h"

namespace gradmint {
namespace {

constexpr std::size_t kMaxLineBytes = 1u << 20;
constexpr std::uint64_t kMaxLogBytes = std::uint64_t{10} << 20;  // then it becomes NAME.log.1

sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&set, number);
  return set;
}

Error system_error(const std::string& what) {
  return {ErrorCode::io, what + ": " + std::strerror(errno)};
}

std::string exit_text(int status) {
  if (WIFSIGNALED(status))
    return "was ended by signal " + std::to_string(WTERMSIG(status)) + " (" +
           strsignal(WTERMSIG(status)) + ")";
  return "exited with status " + std::to_string(WEXITSTATUS(status));
}

// What runs between fork and exec: only what a signal handler may do.
[[noreturn]] void become(char* const* words, int input, int output, int log, int failure,
                         pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(127);  // it died before it could be watched
  const sigset_t watched = watched_signals();
  sigprocmask(SIG_UNBLOCK, &watched, nullptr);
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execv(words[0], words);
  const int reason = errno;
  [[maybe_unused]] const ssize_t told = write(failure, &reason, sizeof reason);
  _exit(127);
}

struct Descriptor {
  int number = -1;
  ~Descriptor() {
    if (number >= 0) close(number);
  }
  int release() {
    const int given = number;
    number = -1;
    return given;
  }
};

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Result<Children> Children::create(std::filesystem::path log_dir) {
  Children children(std::move(log_dir));
  const sigset_t watched = watched_signals();
  if (sigprocmask(SIG_BLOCK, &watched, nullptr) != 0) return system_error("sigprocmask");
  children.signals_ = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  if (children.signals_ < 0) return system_error("signalfd");
  return children;
}

Children::Children(Children&& other) noexcept
    : log_dir_(std::move(other.log_dir_)),
      signals_(other.signals_),
      children_(std::move(other.children_)),
      kept_(std::move(other.kept_)) {
  other.signals_ = -1;
  other.children_.clear();
}

Children::~Children() {
  kill_all(SIGKILL, true);
  for (Child& child : children_) {
    if (child.pid > 0) waitpid(child.pid, nullptr, 0);
    if (child.output >= 0) close(child.output);
    if (child.copy >= 0) close(child.copy);
  }
  if (signals_ >= 0) close(signals_);
}

std::filesystem::path Children::log_of(const std::string& name) const {
  return log_dir_ / (name + ".log");
}

Result<std::size_t> Children::start(const std::string& name, const std::vector<std::string>& words,
                                    Output output) {
  const bool listen = output != Output::log;
  Descriptor input{open("/dev/null", O_RDONLY | O_CLOEXEC)};
  Descriptor log{open(log_of(name).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)};
  if (log.number < 0) return system_error(log_of(name).string());
  int output_ends[2] = {-1, -1}, failure_ends[2] = {-1, -1};
  if (pipe2(failure_ends, O_CLOEXEC) != 0) return system_error("pipe");
  Descriptor failure_read{failure_ends[0]}, failure_write{failure_ends[1]};
  if (listen && pipe2(output_ends, O_CLOEXEC) != 0) return system_error("pipe");
  Descriptor output_read{output_ends[0]}, output_write{output_ends[1]};

  std::vector<std::string> copy = words;
  std::vector<char*> pointers;
  for (std::string& word : copy) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return system_error(words.front() + " could not be started");
  if (pid == 0) {
    const int lines = output_write.number;
    become(pointers.data(), input.number, listen ? lines : log.number,
           output == Output::lines_and_log ? lines : log.number, failure_write.number, parent);
  }
  setpgid(pid, pid);
  close(failure_write.release());
  int reason = 0;
  if (read(failure_read.number, &reason, sizeof reason) == static_cast<ssize_t>(sizeof reason)) {
    waitpid(pid, nullptr, 0);
    errno = reason;
    return system_error(words.front() + " could not be started");
  }
  if (listen) fcntl(output_read.number, F_SETFL, O_NONBLOCK);
  children_.push_back({name, pid, listen ? output_read.release() : -1,
                       output == Output::lines_and_log ? log.release() : -1, 0, ""});
  return children_.size() - 1;
}

// A full disk costs the log only.
void Children::keep(Child& child, std::string_view bytes) {
  if (child.copied_bytes + bytes.size() > kMaxLogBytes) {
    const std::filesystem::path log = log_of(child.name);
    std::error_code failed;
    std::filesystem::rename(log, log.string() + ".1", failed);
    close(child.copy);
    child.copy = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    child.copied_bytes = 0;
    if (child.copy < 0) return;
  }
  [[maybe_unused]] const ssize_t kept = write(child.copy, bytes.data(), bytes.size());
  child.copied_bytes += bytes.size();
}

void Children::read_output(std::size_t number, std::vector<ChildLine>& lines) {
  Child& child = children_[number];
  char buffer[16384];
  while (child.output >= 0) {
    const ssize_t got = read(child.output, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) break;  // nothing there now
    if (got == 0) {
      close(child.output);
      child.output = -1;
      break;
    }
    if (child.copy >= 0) keep(child, {buffer, static_cast<std::size_t>(got)});
    child.partial.append(buffer, static_cast<std::size_t>(got));
    std::size_t begin = 0;
    for (std::size_t end; (end = child.partial.find('\n', begin)) != std::string::npos;
         begin = end + 1)
      lines.push_back({number, child.partial.substr(begin, end - begin)});
    child.partial.erase(0, begin);
    if (child.partial.size() > kMaxLineBytes) child.partial.clear();
  }
}

void Children::reap(Happening& now) {
  for (std::size_t i = 0; i < children_.size(); ++i) {
    Child& child = children_[i];
    if (child.pid <= 0) continue;
    siginfo_t info{};
    if (waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid == 0)
      continue;
    kill(-child.pid, SIGKILL);  // what it left in its group, while its number is still its own
    int status = 0;
    waitpid(child.pid, &status, 0);
    child.pid = -1;
    read_output(i, now.lines);
    if (!child.partial.empty()) now.lines.push_back({i, std::exchange(child.partial, "")});
    if (child.output >= 0) close(std::exchange(child.output, -1));
    if (child.copy >= 0) close(std::exchange(child.copy, -1));
    now.exits.push_back(
        {i, child.name, WIFEXITED(status) && WEXITSTATUS(status) == 0, exit_text(status)});
  }
}

Happening Children::wait(int timeout_ms) {
  Happening now = std::exchange(kept_, {});
  if (!now.lines.empty() || !now.exits.empty() || now.interrupted) timeout_ms = 0;
  std::vector<pollfd> watched = {{signals_, POLLIN, 0}};
  std::vector<std::size_t> owners = {0};
  for (std::size_t i = 0; i < children_.size(); ++i) {
    if (children_[i].output < 0) continue;
    watched.push_back({children_[i].output, POLLIN, 0});
    owners.push_back(i);
  }
  if (poll(watched.data(), watched.size(), timeout_ms) <= 0) return now;
  for (std::size_t i = 1; i < watched.size(); ++i)
    if (watched[i].revents != 0) read_output(owners[i], now.lines);
  signalfd_siginfo signal{};
  bool ended = false;
  while (read(signals_, &signal, sizeof signal) == static_cast<ssize_t>(sizeof signal)) {
    if (signal.ssi_signo == SIGCHLD) {
      ended = true;
    } else {
      now.interrupted = true;
    }
  }
  if (ended) reap(now);
  return now;
}

Result<FinishedChild> Children::run(const std::string& name,
                                    const std::vector<std::string>& words) {
  const auto started = start(name, words, Output::lines);
  if (!started) return started.error();
  Happening others;
  FinishedChild finished;
  bool done = false;
  while (!done && !others.interrupted) {
    Happening now = wait(-1);
    for (ChildLine& line : now.lines) {
      if (line.child == *started) {
        finished.output += line.text + "\n";
      } else {
        others.lines.push_back(std::move(line));
      }
    }
    for (ChildExit& exit : now.exits) {
      if (exit.child == *started) {
        done = true;
        finished.succeeded = exit.succeeded;
        finished.text = exit.text;
      } else {
        others.exits.push_back(std::move(exit));
      }
    }
    others.interrupted = now.interrupted;
  }
  kept_ = std::move(others);
  if (!done) return Error{ErrorCode::refused, "interrupted while " + name + " ran"};
  return finished;
}

void Children::kill_all(int signal, bool groups) {
  for (const Child& child : children_)
    if (child.pid > 0) kill(groups ? -child.pid : child.pid, signal);
}

bool Children::any_running() const {
  for (const Child& child : children_)
    if (child.pid > 0) return true;
  return false;
}

void Children::stop_all(int grace_ms) {
  kill_all(SIGTERM, false);
  const std::int64_t deadline = now_ms() + grace_ms;
  while (any_running()) {
    const std::int64_t left = deadline - now_ms();
    if (left <= 0 || wait(static_cast<int>(left)).interrupted) {
      kill_all(SIGKILL, true);
      wait(1000);
    }
  }
}

std::string Children::last_words(const std::string& name, std::size_t lines) const {
  std::ifstream in(log_of(name));
  std::deque<std::string> last;
  for (std::string line; std::getline(in, line);) {
    last.push_back("  " + printable(line));
    if (last.size() > lines) last.pop_front();
  }
  std::string text;
  for (const std::string& line : last) text += (text.empty() ? "" : "\n") + line;
  return text;
}

}  // namespace gradmint
