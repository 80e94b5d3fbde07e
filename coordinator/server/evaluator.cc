#include "coordinator/server/evaluator.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "ledger/json_input.h"
#include "ledger/json_text.h"
#include "ledger/model/measured.h"

namespace gradmint {
namespace {

constexpr std::size_t kMaxAnswerBytes = 64 * 1024;
constexpr int kGraceMs = 4000;  // between SIGTERM and SIGKILL
constexpr int kLookMs = 10;

Error failed(const std::string& what) { return Error{ErrorCode::io, "the evaluator " + what}; }

// The programs of a release lie side by side: `gradmint-worker` is found beside this one.
std::string path_with_siblings() {
  std::error_code ignored;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", ignored);
  const char* path = std::getenv("PATH");
  return self.parent_path().string() + (path != nullptr ? ":" + std::string(path) : "");
}

Result<Figures> parse_answer(const std::string& line, std::uint64_t id) {
  const auto parsed = parse_untrusted_json(line);
  if (!parsed || !parsed->is_object())
    return failed("answered something that is not a JSON object: " + line.substr(0, 200));
  const nlohmann::json& json = *parsed;
  if (json.contains("error")) return failed("reports: " + json_text(json["error"]).substr(0, 400));
  const auto number = [&](const char* key) {
    return json.contains(key) && json[key].is_number_unsigned() ? json[key].get<std::uint64_t>()
                                                                : 0;
  };
  if (!json.contains("id") || json["id"] != id)
    return failed("answered another question: " + line.substr(0, 200));
  const std::uint64_t examples = number("examples");
  if (examples == 0 || !json.contains("metrics"))
    return failed("left out examples or metrics: " + line.substr(0, 200));
  MeasuredMetrics measured;
  if (const std::string fault = take_metrics(json["metrics"], measured); !fault.empty())
    return failed("answered what cannot be taken: " + fault);
  const auto is_measured = [](const auto& metric) { return metric.second.has_value(); };
  if (std::none_of(measured.begin(), measured.end(), is_measured))
    return failed("measured nothing, so it judges nothing");
  return Figures{ledger_metrics(measured), examples};
}

}  // namespace

class EvaluatorClient::Child {
 public:
  static Result<std::unique_ptr<Child>> start(const std::string& command,
                                              const Environment& environment) {
    int in[2], out[2];
    if (::pipe2(in, O_CLOEXEC) != 0) return failed("cannot be started: no pipe");
    if (::pipe2(out, O_CLOEXEC) != 0) {
      ::close(in[0]);
      ::close(in[1]);
      return failed("cannot be started: no pipe");
    }
    const std::string path = path_with_siblings();
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::setpgid(0, 0);
      ::dup2(in[0], STDIN_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      ::setenv("PATH", path.c_str(), 1);
      for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
      ::execl("/bin/sh", "sh", "-c", ("exec " + command).c_str(), static_cast<char*>(nullptr));
      ::_exit(127);
    }
    // In both: whoever comes first. Done by the child alone, a group that is to be killed before
    // the child has run would not be there yet, and the child would be waited for as long as it
    // likes.
    if (pid > 0) ::setpgid(pid, pid);
    ::close(in[0]);
    ::close(out[1]);
    if (pid < 0) {
      ::close(in[1]);
      ::close(out[0]);
      return failed("cannot be started: no process");
    }
    return std::unique_ptr<Child>(new Child(pid, in[1], out[0]));
  }
  ~Child() {
    // Asked first: it may have programs of its own to end, in groups of their own.
    ::close(to_);
    ::kill(-pid_, SIGTERM);
    await_end();
    ::close(from_);
    ::kill(-pid_, SIGKILL);  // what it left behind
    ::kill(pid_, SIGKILL);   // should it have left its group
    ::waitpid(pid_, nullptr, 0);
  }

  int pid() const { return pid_; }

  Result<std::string> ask(const std::string& line, int timeout_ms) {
    for (std::size_t at = 0; at < line.size();) {
      const ssize_t n = ::write(to_, line.data() + at, line.size() - at);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return failed("ended; its last words are in the log");
      at += static_cast<std::size_t>(n);
    }
    using Clock = std::chrono::steady_clock;
    const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
    while (true) {
      if (const auto end = buffer_.find('\n'); end != std::string::npos) {
        std::string answer = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return answer;
      }
      if (buffer_.size() > kMaxAnswerBytes) return failed("sends a line without end");
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
      pollfd ready{from_, POLLIN, 0};
      const int n = left.count() <= 0 ? 0 : ::poll(&ready, 1, static_cast<int>(left.count()));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0)
        return Error{
            ErrorCode::refused,
            failed("did not answer within " + std::to_string(timeout_ms / 1000) + " s").message};
      char chunk[4096];
      const ssize_t got = ::read(from_, chunk, sizeof chunk);
      if (got <= 0) return failed("ended; its last words are in the log");
      buffer_.append(chunk, static_cast<std::size_t>(got));
    }
  }

 private:
  Child(pid_t pid, int to, int from) : pid_(pid), to_(to), from_(from) {}
  // Until it has ended, or the grace is over. It stays unreaped, so its group's number is its own.
  void await_end() const {
    siginfo_t info{};
    for (int waited_ms = 0; waited_ms < kGraceMs && info.si_pid != pid_; waited_ms += kLookMs) {
      if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0) return;
      if (info.si_pid != pid_) ::poll(nullptr, 0, kLookMs);
    }
  }
  pid_t pid_;
  int to_, from_;
  std::string buffer_;
};

EvaluatorClient::EvaluatorClient(std::string command, Environment environment, int timeout_ms,
                                 Done done)
    : command_(std::move(command)),
      environment_(std::move(environment)),
      timeout_ms_(timeout_ms),
      done_(std::move(done)),
      thread_([this] { work(); }) {}

EvaluatorClient::~EvaluatorClient() {
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
    // A question is under way where it has a child: that child's end answers it.
    if (const int pid = child_pid_; pid > 0) ::kill(-pid, SIGTERM);
    wake_.wait_for(lock, std::chrono::milliseconds(kGraceMs), [&] { return ended_; });
    if (const int pid = child_pid_; pid > 0) ::kill(-pid, SIGKILL);
  }
  thread_.join();
}

void EvaluatorClient::ask(EvaluationJob job) {
  {
    const std::lock_guard lock(mutex_);
    job_ = std::move(job);
  }
  wake_.notify_all();
}

void EvaluatorClient::work() {
  while (true) {
    std::optional<EvaluationJob> job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || job_.has_value(); });
      if (stopping_) break;
      job = std::exchange(job_, std::nullopt);
    }
    Result<Figures> figures = answer(*job);
    // One that took too long has had its time, and would take as much again.
    if (!figures && figures.error().code != ErrorCode::refused) {
      end_child();
      figures = answer(*job);
    }
    if (!figures) end_child();
    done_(job->round, std::move(figures));
  }
  end_child();
  const std::lock_guard lock(mutex_);
  ended_ = true;
  wake_.notify_all();
}

// Its number first: once it is reaped that may be another's. Not under the lock: a child may take
// its time to end, and is killed when that is over.
void EvaluatorClient::end_child() {
  {
    const std::lock_guard lock(mutex_);
    child_pid_ = 0;
  }
  child_.reset();
}

Result<Figures> EvaluatorClient::answer(const EvaluationJob& job) {
  if (!child_) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return failed("was stopped");
    }
    auto started = Child::start(command_, environment_);
    if (!started) return started.error();
    const std::lock_guard lock(mutex_);
    if (stopping_) return failed("was stopped");
    child_ = *std::move(started);
    child_pid_ = child_->pid();
  }
  const nlohmann::json question = {{"id", job.round},
                                   {"parameters", job.parameters_file},
                                   {"deadline_s", static_cast<double>(timeout_ms_) / 1000.0}};
  auto line = child_->ask(json_text(question) + "\n", timeout_ms_);
  if (!line) return line.error();
  return parse_answer(*line, job.round);
}

}  // namespace gradmint
