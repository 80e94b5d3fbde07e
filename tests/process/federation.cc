#include "tests/process/federation.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <iostream>

#include "coordinator/cli/dev_homes.h"
#include "gradmint_test_paths.h"
#include "tests/support/paths.h"

namespace gradmint::test {
namespace {

namespace fs = std::filesystem;

bool is_free(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(socket >= 0);
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool free = ::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(socket);
  return free;
}

constexpr int kFirstPort = 12'000, kPortsEach = 100, kShares = 200;

// The first port of this process's share: no other test has it, while both run.
int first_port() {
  for (int i = 0; i < kShares; ++i) {
    const int share = (::getpid() + i) % kShares;
    const auto file = fs::temp_directory_path() / ("gradmint-test-ports-" + std::to_string(share));
    const int held = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (held >= 0 && ::flock(held, LOCK_EX | LOCK_NB) == 0) return kFirstPort + share * kPortsEach;
    if (held >= 0) ::close(held);
  }
  FAIL("every share of ports is taken");
  return 0;
}

// Below the range from which outgoing connections get theirs, so that a coordinator that starts
// again finds it free.
std::string endpoint() {
  static const int first = first_port();
  static int turn = 0;
  for (int tried = 0; tried < kPortsEach; ++tried) {
    const auto port = static_cast<std::uint16_t>(first + turn++ % kPortsEach);
    if (is_free(port)) return "tcp://127.0.0.1:" + std::to_string(port);
  }
  FAIL("no port is free from " << first << " on");
  return {};
}

void replace(std::string& text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
}

std::string config_of(const DevPlan& plan, const FederationOptions& o) {
  std::string text = coordinator_config(plan);
  replace(text, "tcp://127.0.0.1:0", endpoint());
  replace(text, "tcp://127.0.0.1:0", endpoint());
  const std::size_t line = text.find("min_updates = ");
  replace(text, text.substr(line, text.find('\n', line) - line),
          "min_updates = " + std::to_string(o.min_updates) + "\nstall_deadline_ms = " +
              std::to_string(o.stall_deadline_ms) + "\nevaluation_deadline_ms = 5000");
  if (o.evaluate_by_workers) {
    const std::size_t table = text.find("by = \"coordinator\"");
    replace(text, text.substr(table, text.find("\n\n", table) - table), "by = \"workers\"");
  }
  if (!o.exit_when_finished) replace(text, "exit_when_finished = true", "");
  return text + o.extra;
}

// Making it takes libtorch a second; all federations of the same data here start from the same.
void initial_model(const DevPlan& plan) {
  static const Directory made;
  const std::size_t data =
      std::hash<std::string>{}(plan.options.data + plan.options.task + plan.options.scaler);
  const fs::path file = made.path / (std::to_string(data) + ".safetensors");
  if (!fs::exists(file)) {
    const Ran ran = run(init_model_command(plan));
    CAPTURE(ran.errors);
    REQUIRE(ran.status == 0);
    fs::copy_file(plan.initial_model, file);
    return;
  }
  fs::copy_file(file, plan.initial_model);
}

}  // namespace

std::optional<std::string> data_or_skip() {
  const char* named = std::getenv("GRADMINT_DIGITS");
  if (named != nullptr && *named != '\0') return "digits";
  for (const char* above : {"..", "../.."})
    if (fs::exists(fs::path(GRADMINT_BIN_DIR) / above / "data" / "digits.csv.gz")) return "digits";
  const fs::path mnist = data_dir() / "mnist-10k";
  if (fs::exists(mnist)) return "mnist:" + mnist.string();
  std::cout << "SKIPPED: no digits (scripts/fetch_digits) and no MNIST under GRADMINT_DATA\n";
  return std::nullopt;
}

Federation::Federation(const std::string& data, const FederationOptions& o) {
  DevOptions options;
  options.workers = o.workers;
  options.rounds = o.rounds;
  options.data = data;
  options.task = o.task;
  options.scaler = o.scaler;
  options.adversaries = o.adversaries;
  options.trainer = o.trainer;
  auto plan =
      plan_dev(options, folder_.path.string(),
               {program("gradmint"), program("gradmint-coordinator"), program("gradmint-worker")});
  REQUIRE(plan.ok());
  plan_ = *std::move(plan);
  auto addresses = furnish_homes(plan_);
  REQUIRE(addresses.ok());
  addresses_ = *std::move(addresses);
  write_text(plan_.config_file, config_of(plan_, o));
  initial_model(plan_);
  const Ran made = run(coordinator_init_command(plan_));
  CAPTURE(made.errors);
  REQUIRE(made.status == 0);
}

std::unique_ptr<Process> Federation::coordinator(const Setting& setting) const {
  return std::make_unique<Process>(coordinator_run_command(plan_),
                                   folder_.path / "log" / "coordinator.log", setting);
}

std::string Federation::invite() const {
  const Ran ran = run(invite_command(plan_));
  CAPTURE(ran.errors);
  REQUIRE(ran.status == 0);
  return ran.output.substr(0, ran.output.find('\n'));
}

fs::path Federation::log_of(std::size_t i) const {
  return folder_.path / "log" / (plan_.workers.at(i).name + ".log");
}

std::unique_ptr<Process> Federation::worker(std::size_t i, const Words& more,
                                            const Setting& setting) const {
  const bool joined = fs::exists(fs::path(plan_.workers.at(i).home) / "genesis");
  Words words = join_command(plan_, i, joined ? "" : invite());
  if (joined) std::erase(words, "");
  words.insert(words.end(), more.begin(), more.end());
  return std::make_unique<Process>(words, log_of(i), setting);
}

std::vector<std::unique_ptr<Process>> Federation::all_workers() const {
  std::vector<std::unique_ptr<Process>> workers;
  for (std::size_t i = 0; i < plan_.workers.size(); ++i) workers.push_back(worker(i));
  return workers;
}

Ran Federation::audit(const Words& words, const Setting& setting) const {
  Words all{program("gradmint"), "audit"};
  all.insert(all.end(), words.begin(), words.end());
  all.insert(all.end(), {"--ledger", plan_.ledger, "--format", "json"});
  return run(all, setting);
}

nlohmann::json Federation::verified() const {
  const Ran ran = audit({"verify", "--recompute"});
  CAPTURE(ran.output);
  CAPTURE(ran.errors);
  REQUIRE(ran.status == 0);
  auto json = nlohmann::json::parse(ran.output);
  REQUIRE(json["ok"] == true);
  return json;
}

std::vector<session::UpdateMemory> Federation::memory_of(std::size_t i) const {
  std::vector<session::UpdateMemory> memory;
  const fs::path rounds = fs::path(plan_.workers.at(i).home) / "rounds";
  if (!fs::exists(rounds)) return memory;
  for (const auto& entry : fs::directory_iterator(rounds)) {
    if (!fs::exists(entry.path() / "update")) continue;
    const std::string text = read_text(entry.path() / "update");
    const auto update = decode_record<session::UpdateMemory>(as_bytes(text));
    REQUIRE(update.has_value());
    memory.push_back(*update);
  }
  return memory;
}

void wait_all(std::vector<std::unique_ptr<Process>>& processes) {
  for (auto& process : processes) {
    const int status = process->wait();
    CAPTURE(process->errors());
    CHECK(status == 0);
  }
}

}  // namespace gradmint::test
