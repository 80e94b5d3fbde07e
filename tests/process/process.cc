#include "tests/process/process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>

#include "gradmint_test_paths.h"

namespace gradmint::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

int left_ms(Clock::time_point deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

Clock::time_point after(int seconds) { return Clock::now() + std::chrono::seconds(seconds); }

[[noreturn]] void become(const Words& words, int output, int errors, const Setting& setting) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(errors, STDERR_FILENO);
  for (const auto& [name, value] : setting.environment) ::setenv(name.c_str(), value.c_str(), 1);
  if (setting.max_file_bytes != 0) {
    const rlimit limit{setting.max_file_bytes, setting.max_file_bytes};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    std::signal(SIGXFSZ, SIG_IGN);  // writing more is then an error, as on a full disk
  }
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

void fill(int pipe) {
  const int flags = ::fcntl(pipe, F_GETFL);
  REQUIRE(::fcntl(pipe, F_SETFL, flags | O_NONBLOCK) == 0);
  const std::string lines(4096, '\n');
  while (::write(pipe, lines.data(), lines.size()) > 0) {
  }
  REQUIRE(errno == EAGAIN);
  REQUIRE(::fcntl(pipe, F_SETFL, flags) == 0);
}

}  // namespace

Directory::Directory() {
  std::string pattern = (fs::temp_directory_path() / "gradmint-test-XXXXXX").string();
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  path = pattern;
}
Directory::~Directory() {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

Process::Process(const Words& words, const fs::path& error_file, const Setting& setting)
    : error_file_(error_file) {
  int pipe[2];
  REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
  if (setting.pipe_bytes > 0) REQUIRE(::fcntl(pipe[1], F_SETPIPE_SZ, setting.pipe_bytes) > 0);
  if (setting.stalled) fill(pipe[1]);
  const int errors = ::open(error_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  REQUIRE(errors >= 0);
  pid_ = ::fork();
  if (pid_ == 0) become(words, pipe[1], errors, setting);
  REQUIRE(pid_ > 0);
  ::close(pipe[1]);
  ::close(errors);
  output_ = pipe[0];
}

Process::~Process() {
  if (pid_ > 0) kill();
  ::close(output_);
}

bool Process::read_some(int timeout_ms) {
  pollfd ready{output_, POLLIN, 0};
  if (::poll(&ready, 1, timeout_ms) <= 0) return true;
  char buffer[4096];
  const ssize_t got = ::read(output_, buffer, sizeof buffer);
  if (got <= 0) return false;
  partial_.append(buffer, static_cast<std::size_t>(got));
  for (std::size_t end; (end = partial_.find('\n')) != std::string::npos;) {
    lines_.push_back(partial_.substr(0, end));
    partial_.erase(0, end + 1);
  }
  return true;
}

std::string Process::seen() const {
  std::string text;
  for (const std::string& line : lines_) text += line.substr(0, 150) + "\n";
  return text;
}

nlohmann::json Process::await(const std::string& event, std::uint64_t round, int patience_s) {
  const auto deadline = after(patience_s);
  for (bool more = true;;) {
    for (; awaited_ < lines_.size(); ++awaited_) {
      const auto json = nlohmann::json::parse(lines_[awaited_], nullptr, false);
      if (!json.is_object() || json.value("event", "") != event) continue;
      if (round != 0 && json.value("round", std::uint64_t{0}) != round) continue;
      ++awaited_;
      return json;
    }
    const bool in_time = more && left_ms(deadline) > 0;
    if (!in_time) {
      FAIL("no event '" << event << "' of round " << round << (more ? " in time" : " to come")
                        << "; seen:\n"
                        << seen() << errors());
    }
    more = read_some(left_ms(deadline));
  }
}

std::string Process::await_line(const std::string& start, int patience_s) {
  const auto deadline = after(patience_s);
  for (bool more = true; more && left_ms(deadline) > 0; more = read_some(left_ms(deadline))) {
    while (awaited_ < lines_.size()) {
      if (const std::string& line = lines_[awaited_++]; line.starts_with(start)) return line;
    }
  }
  FAIL("no line that begins with '" << start << "'; seen:\n" << seen() << errors());
  return {};
}

int Process::reap() {
  int status = 0;
  REQUIRE(::waitpid(pid_, &status, 0) == pid_);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int Process::wait(int patience_s) {
  REQUIRE(pid_ > 0);
  const auto deadline = after(patience_s);
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  REQUIRE(handle >= 0);
  bool ended = false;
  while (!ended && left_ms(deadline) > 0) {
    pollfd ready[2] = {{handle, POLLIN, 0}, {output_, POLLIN, 0}};
    ::poll(ready, 2, left_ms(deadline));
    ended = (ready[0].revents & POLLIN) != 0;
    // At its end the pipe is always ready, until the process is gone as well.
    if (ready[1].revents != 0 && !read_some(0)) ended = ::poll(ready, 1, left_ms(deadline)) > 0;
  }
  ::close(handle);
  if (!ended) FAIL("process " << pid_ << " does not end; it says " << errors());
  const int status = reap();
  // A child of its own may hold the pipe longer than it lived: only what is there is read.
  for (std::size_t before = std::string::npos; before != partial_.size() + lines_.size();) {
    before = partial_.size() + lines_.size();
    if (!read_some(0)) break;
  }
  if (!partial_.empty()) lines_.push_back(std::exchange(partial_, {}));
  return status;
}

bool Process::ends_unread(int patience_s) const {
  REQUIRE(pid_ > 0);
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  REQUIRE(handle >= 0);
  pollfd ready{handle, POLLIN, 0};
  const bool ended = ::poll(&ready, 1, patience_s * 1000) == 1;
  ::close(handle);
  return ended;
}

void Process::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

int Process::kill() {
  signal(SIGKILL);
  return reap();
}

std::vector<nlohmann::json> Process::events() const {
  std::vector<nlohmann::json> events;
  for (const std::string& line : lines_) {
    auto json = nlohmann::json::parse(line, nullptr, false);
    if (json.is_object()) events.push_back(std::move(json));
  }
  return events;
}

std::string Process::errors() const { return read_text(error_file_); }

Ran run(const Words& words, const Setting& setting, int patience_s) {
  const Directory here;
  Process process(words, here.path / "errors", setting);
  Ran ran;
  ran.status = process.wait(patience_s);
  for (const std::string& line : process.lines()) ran.output += line + "\n";
  ran.errors = process.errors();
  return ran;
}

std::string program(const std::string& name) {
  return (fs::path(GRADMINT_BIN_DIR) / name).string();
}

std::string read_text(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_text(const fs::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  REQUIRE(out.good());
}

void flip_bit(const fs::path& file, std::uint64_t bit) {
  std::string text = read_text(file);
  REQUIRE(bit / 8 < text.size());
  text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << (bit % 8)));
  write_text(file, text);
}

std::map<std::string, std::string> contents_of(const fs::path& directory) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    contents[entry.path().string()] =
        entry.is_regular_file() ? read_text(entry.path()) : std::string("(directory)");
  return contents;
}

}  // namespace gradmint::test
