#include "tests/hostile/crew.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <optional>
#include <thread>

#include "tests/hostile/child_server.h"
#include "tests/process/process.h"
#include "worker/session/home.h"

namespace gradmint::hostile {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kHonest = 3;
constexpr int kStartSeconds = 120;
constexpr int kEndSeconds = 60;

void pause() { std::this_thread::sleep_for(std::chrono::milliseconds(50)); }

std::uint64_t size_of(const std::string& file) {
  std::error_code missing;
  const std::uint64_t size = fs::file_size(file, missing);
  return missing ? 0 : size;
}

// The largest it ever was, as the kernel keeps it.
std::uint64_t peak_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("VmHWM:")) return std::strtoull(line.c_str() + 6, nullptr, 10) * 1024;
  }
  return 0;
}

// Lines with that text, behind the first so many bytes.
std::uint64_t count_of(const std::string& file, const std::string& what, std::uint64_t from = 0) {
  std::ifstream in(file);
  in.seekg(static_cast<std::streamoff>(from));
  std::uint64_t count = 0;
  for (std::string line; std::getline(in, line);) count += line.find(what) != std::string::npos;
  return count;
}

std::optional<cpu_set_t> federation_cores;

}  // namespace

bool divide_cores() {
  cpu_set_t all;
  if (sched_getaffinity(0, sizeof all, &all) != 0 || CPU_COUNT(&all) < 2) return false;
  std::size_t last = CPU_SETSIZE - 1;
  while (!CPU_ISSET(last, &all)) --last;
  cpu_set_t own;
  CPU_ZERO(&own);
  CPU_SET(last, &own);
  if (sched_setaffinity(0, sizeof own, &own) != 0) return false;
  CPU_CLR(last, &all);
  federation_cores = all;
  return true;
}

Crew::Crew(const std::string& data) {
  test::FederationOptions options;
  options.workers = kHonest + 1;
  options.rounds = 1'000'000;
  options.min_updates = 2;
  options.stall_deadline_ms = 3000;
  options.exit_when_finished = false;
  options.evaluate_by_workers = true;
  federation_ = std::make_unique<test::Federation>(data, options);
  const std::string log = federation_->plan().log_dir;
  coordinator_ = {coordinator_run_command(federation_->plan()), "coordinator", -1,
                  log + "/coordinator.jsonl", log + "/coordinator.err"};
  start_coordinator();
  for (std::size_t i = 0; i <= kHonest; ++i) {
    const DevWorker& who = federation_->plan().workers.at(i);
    Program worker{join_command(federation_->plan(), i, federation_->invite()), who.name, -1,
                   log + "/" + who.name + ".out", log + "/" + who.name + ".log"};
    start(worker);
    std::erase_if(worker.words, [](const std::string& word) { return word.starts_with("gminv"); });
    workers_.push_back(worker);
  }
  await_settled(1);  // it waits for all four
  stop(workers_.back(), SIGKILL);
  workers_.pop_back();
  const fs::path home = federation_->plan().workers.at(kHonest).home;
  const auto curve = session::read_curve(home);
  const auto connection = session::read_connection(home);
  REQUIRE(curve.ok());
  REQUIRE(connection.ok());
  std::ifstream endpoints(fs::path(federation_->plan().coordinator_home) / "run" /
                          "endpoints.json");
  const json told = json::parse(endpoints);
  target_ = {told["join"].get<std::string>(), told["work"].get<std::string>(),
             connection->coordinator_key, *curve};
  await_settled(settled() + 2);
}

Crew::~Crew() {
  for (Program& worker : workers_) stop(worker, SIGKILL);
  stop(coordinator_, SIGKILL);
}

void Crew::start(Program& program) {
  program.pid = fork();
  REQUIRE(program.pid >= 0);
  if (program.pid > 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (federation_cores) sched_setaffinity(0, sizeof *federation_cores, &*federation_cores);
  const int nothing = open("/dev/null", O_RDONLY);
  const int output = open(program.output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  const int errors = open(program.errors.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  dup2(nothing, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(errors, STDERR_FILENO);
  closefrom(STDERR_FILENO + 1);
  std::vector<char*> arguments;
  for (const std::string& word : program.words)
    arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(127);
}

int Crew::stop(Program& program, int signal) {
  if (program.pid < 0) return 0;
  ::kill(program.pid, signal);
  int status = 0;
  waitpid(program.pid, &status, 0);
  program.pid = -1;
  return status;
}

bool Crew::has_ended(Program& program, int& status) {
  if (program.pid < 0 || waitpid(program.pid, &status, WNOHANG) != program.pid) return false;
  program.pid = -1;
  return true;
}

void Crew::start_coordinator() {
  started_at_ = size_of(coordinator_.output);
  start(coordinator_);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(kStartSeconds);
  int status = 0;
  while (count_of(coordinator_.output, "\"started\"", started_at_) == 0) {
    const bool ended = has_ended(coordinator_, status);
    if (ended) std::fputs(test::read_text(coordinator_.errors).c_str(), stderr);
    REQUIRE_MESSAGE(!ended, "the coordinator does not start");
    REQUIRE_MESSAGE(std::chrono::steady_clock::now() < until,
                    "the coordinator took too long to start");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void Crew::await_settled(std::uint64_t rounds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(kStartSeconds);
  while (settled() < rounds) {
    REQUIRE_MESSAGE(std::chrono::steady_clock::now() < until, "no round is settled");
    look_after();
    pause();
  }
}

void Crew::look_after() {
  int status = 0;
  if (coordinator_.pid > 0)
    peak_resident_bytes_ = std::max(peak_resident_bytes_, peak_of(coordinator_.pid));
  if (has_ended(coordinator_, status)) {
    ++aborts_;
    const std::string errors = test::read_text(coordinator_.errors);
    last_words_ = errors.substr(errors.size() - std::min<std::size_t>(errors.size(), 500));
    start_coordinator();
  }
  for (Program& worker : workers_) {
    if (!has_ended(worker, status)) continue;
    ++worker_ends_;
    start(worker);
  }
  if (++turns_ % 8 == 0) collect_receipts();
}

std::size_t Crew::open_descriptors() const { return open_descriptors_of(coordinator_.pid); }

// A worker may be writing or removing these just now: what cannot be read is read next time. What
// was read is not read again: after hours it would take more time than the federation.
void Crew::collect_receipts() {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    std::error_code gone;
    const fs::path rounds = fs::path(federation_->plan().workers.at(i).home) / "rounds";
    for (fs::directory_iterator it(rounds, gone), end; !gone && it != end; it.increment(gone)) {
      if (receipts_read_.contains(it->path())) continue;
      std::ifstream in(it->path() / "update", std::ios::binary);
      const std::string text{std::istreambuf_iterator<char>(in), {}};
      const auto update = decode_record<session::UpdateMemory>(as_bytes(text));
      if (!update || update->receipt.empty()) continue;
      receipts_.emplace(update->key.round, update->key.attempt, federation_->addresses().at(i));
      receipts_read_.insert(it->path());
    }
  }
}

void Crew::kill_coordinator() {
  int status = 0;
  if (has_ended(coordinator_, status)) {
    ++aborts_;
  } else {
    peak_resident_bytes_ = std::max(peak_resident_bytes_, peak_of(coordinator_.pid));
    stop(coordinator_, SIGKILL);
  }
  collect_receipts();
  start_coordinator();
}

void Crew::finish() {
  for (Program& worker : workers_) stop(worker, SIGKILL);
  collect_receipts();
  ::kill(coordinator_.pid, SIGTERM);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(kEndSeconds);
  int status = 0;
  while (!has_ended(coordinator_, status)) {
    if (std::chrono::steady_clock::now() > until) {
      audit_fault_ = "the coordinator does not end on SIGTERM";
      stop(coordinator_, SIGKILL);
      break;
    }
    pause();
  }
  const test::Ran verified = federation_->audit({"verify"});
  if (verified.status != 0) audit_fault_ = "audit verify: " + verified.output + verified.errors;
  const test::Ran ran = federation_->audit({"contributions"});
  if (ran.status != 0) {
    audit_fault_ = "audit contributions: " + ran.output + ran.errors;
    return;
  }
  std::set<Receipt> accepted;
  std::set<std::pair<std::uint64_t, std::uint32_t>> with_result;
  const json report = json::parse(ran.output);
  for (const json& line : report["contributions"]) {
    const auto round = line["round"].get<std::uint64_t>();
    const auto attempt = line["attempt"].get<std::uint32_t>();
    with_result.emplace(round, attempt);
    if (line["verdict"] == "accepted")
      accepted.emplace(round, attempt, line["address"].get<std::string>());
  }
  // A receipt promises that a result names the update; an attempt that was abandoned has none.
  for (const auto& [round, attempt, worker] : receipts_) {
    if (!with_result.contains({round, attempt})) continue;
    ++receipts_due_;
    if (!accepted.contains({round, attempt, worker})) ++receipts_lost_;
  }
}

std::uint64_t Crew::settled() const {
  return count_of(coordinator_.output, "\"event\":\"settled\"");
}

std::uint64_t Crew::said() const {
  return count_of(coordinator_.output, "\"event\":", started_at_);
}

std::uint64_t Crew::log_bytes() const {
  return size_of(coordinator_.errors) + size_of(coordinator_.output) +
         size_of(federation_->plan().coordinator_home + "/log/coordinator.log");
}

}  // namespace gradmint::hostile
