// Coordinator and workers killed with SIGKILL in every station: nothing acknowledged is lost.
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <set>

#include "tests/process/federation.h"

using namespace gradmint;
using namespace gradmint::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

// Whose updates the ledger's results name as accepted: (round, worker).
std::set<std::pair<std::uint64_t, std::string>> accepted_on_ledger(const Federation& federation) {
  const Ran ran = federation.audit({"contributions"});
  REQUIRE(ran.status == 0);
  std::set<std::pair<std::uint64_t, std::string>> accepted;
  const json report = json::parse(ran.output);
  for (const json& line : report["contributions"])
    if (line["verdict"] == "accepted")
      accepted.emplace(line["round"].get<std::uint64_t>(), line["address"].get<std::string>());
  return accepted;
}

// Whoever holds a receipt finds its update in the round's result.
void check_receipts(const Federation& federation) {
  const auto accepted = accepted_on_ledger(federation);
  std::size_t receipts = 0;
  for (std::size_t i = 0; i < federation.addresses().size(); ++i) {
    for (const session::UpdateMemory& update : federation.memory_of(i)) {
      if (update.receipt.empty()) continue;
      ++receipts;
      CAPTURE(i);
      CAPTURE(update.key.round);
      CHECK(accepted.count({update.key.round, federation.addresses()[i]}) == 1);
    }
  }
  CHECK(receipts > 0);
}

}  // namespace

TEST_CASE("the coordinator is killed in every station, and no round is lost") {
  const auto data = data_or_skip();
  if (!data) return;
  const std::vector<std::string> stations = {"round_opened", "committed", "closed",
                                             "revealed",     "result",    "settled"};
  FederationOptions options;
  options.rounds = static_cast<std::int64_t>(stations.size()) + 1;
  const Federation federation(*data, options);
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  auto workers = federation.all_workers();
  std::set<std::uint64_t> settled;
  std::vector<json> abandoned;
  const auto take_stock = [&] {
    std::uint64_t opened = 0, judged = 0;  // rounds, in this process
    for (const json& event : coordinator->events()) {
      if (event["event"] == "round_opened") opened = event["round"];
      if (event["event"] == "result") judged = event["round"];
      if (event["event"] == "settled") {
        // Also where the killed one had told of it.
        CHECK(opened == event["round"]);
        CHECK(judged == event["round"]);
        settled.insert(event["round"].get<std::uint64_t>());
      }
      if (event["event"] == "abandoned") abandoned.push_back(event);
    }
  };
  for (std::size_t i = 0; i < stations.size(); ++i) {
    CAPTURE(stations[i]);
    coordinator->await(stations[i], i + 1);
    CHECK(coordinator->kill() == 128 + SIGKILL);
    take_stock();
    coordinator = federation.coordinator();
    coordinator->await("started");
  }
  CHECK(coordinator->wait() == 0);
  take_stock();
  wait_all(workers);
  CHECK(abandoned.empty());
  const json verdict = federation.verified();
  CHECK(verdict["rounds"].size() == stations.size() + 1);
  CHECK(accepted_on_ledger(federation).size() == 3 * (stations.size() + 1));
  check_receipts(federation);
}

TEST_CASE("a worker is killed in every station: it takes part again, and never says two things") {
  const auto data = data_or_skip();
  if (!data) return;
  const std::vector<std::string> stations = {"round_opened", "committed", "closed", "revealed"};
  FederationOptions options;
  options.rounds = static_cast<std::int64_t>(stations.size()) + 1;
  const Federation federation(*data, options);
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  auto workers = federation.all_workers();
  for (std::size_t i = 0; i < stations.size(); ++i) {
    CAPTURE(stations[i]);
    coordinator->await(stations[i], i + 1);
    CHECK(workers[0]->kill() == 128 + SIGKILL);
    const auto said = federation.memory_of(0);
    workers[0] = federation.worker(0);
    coordinator->await("settled", i + 1);
    const auto now = federation.memory_of(0);
    for (const auto& before : said) {
      const auto same = std::find_if(now.begin(), now.end(),
                                     [&](const auto& after) { return after.key == before.key; });
      REQUIRE(same != now.end());
      CHECK((encode_record(same->body) == encode_record(before.body)));
    }
  }
  CHECK(coordinator->wait() == 0);
  wait_all(workers);
  CHECK(accepted_on_ledger(federation).size() == 3 * (stations.size() + 1));
  CHECK(federation.worker_log(0).find("already_committed") == std::string::npos);
  federation.verified();
  check_receipts(federation);
}

TEST_CASE("a worker is killed for good: the rounds go on without it") {
  const auto data = data_or_skip();
  if (!data) return;
  FederationOptions options;
  options.rounds = 3;
  options.stall_deadline_ms = 1500;
  const Federation federation(*data, options);
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  auto workers = federation.all_workers();
  coordinator->await("round_opened", 2);
  workers[2]->kill();
  CHECK(coordinator->wait() == 0);
  workers.pop_back();
  wait_all(workers);
  CHECK(federation.verified()["rounds"].size() == 3);
  const auto accepted = accepted_on_ledger(federation);
  for (std::size_t i = 0; i < 2; ++i)
    for (std::uint64_t round = 1; round <= 3; ++round)
      CHECK(accepted.count({round, federation.addresses()[i]}) == 1);
  check_receipts(federation);
}

TEST_CASE("dev: several workers die at once, and each death is told once") {
  const auto data = data_or_skip();
  if (!data) return;
  const Directory here;
  const fs::path home = here.path / "dev";
  Process dev({program("gradmint"), "dev", "--workers", "3", "--rounds", "1000", "--data", *data,
               "--home", home.string()},
              here.path / "errors");
  dev.await_line("round    1/1000");
  // It notices none of them before all are dead.
  dev.signal(SIGSTOP);
  std::vector<pid_t> workers;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string words = read_text(entry.path() / "cmdline");
    if (words.find("gradmint-worker") == words.npos || words.find(home.string()) == words.npos)
      continue;
    if (words.find("join") != words.npos) workers.push_back(std::stoi(entry.path().filename()));
  }
  REQUIRE(workers.size() == 3);
  for (const pid_t worker : workers) ::kill(worker, SIGKILL);
  for (const pid_t worker : workers) {
    const int handle = static_cast<int>(::syscall(SYS_pidfd_open, worker, 0));
    pollfd ready{handle, POLLIN, 0};
    CHECK(::poll(&ready, 1, 1000 * kPatienceS) == 1);
    ::close(handle);
  }
  dev.signal(SIGCONT);
  CHECK(dev.wait() == 1);
  std::string shown;
  for (const std::string& line : dev.lines()) shown += line + "\n";
  const auto times = [](const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
    return count;
  };
  CAPTURE(shown);
  CAPTURE(dev.errors());
  for (const std::string name : {"worker-1", "worker-2", "worker-3"}) {
    CHECK(times(shown, "warning: " + name + " was ended by signal 9 (Killed)") == 1);
    CHECK(times(dev.errors(), name + " was ended by signal 9 (Killed); its log is ") == 1);
  }
  CHECK(times(dev.errors(), "too few workers are left") == 1);
}

TEST_CASE("a full disk ends the coordinator with one line; with space again nothing is lost") {
  const auto data = data_or_skip();
  if (!data) return;
  FederationOptions options;
  options.rounds = 2;
  const Federation federation(*data, options);
  std::vector<std::unique_ptr<Process>> workers;
  std::size_t heard = 0;
  // Full for the database after some blocks; then for updates, of which each is larger.
  for (const std::uint64_t bytes : {12'000u, 60'000u}) {
    CAPTURE(bytes);
    auto coordinator = federation.coordinator({{}, bytes});
    coordinator->await("started");
    if (workers.empty()) workers = federation.all_workers();
    CHECK(coordinator->wait() == 1);
    const std::string errors = coordinator->errors().substr(heard);
    CAPTURE(errors);
    CHECK(errors.starts_with("gradmint-coordinator: "));
    CHECK(errors.find("space") != std::string::npos);
    CHECK(std::count(errors.begin(), errors.end(), '\n') == 1);
    heard += errors.size();
  }
  auto coordinator = federation.coordinator();
  CHECK(coordinator->wait() == 0);
  wait_all(workers);
  CHECK(federation.verified()["rounds"].size() == 2);
  CHECK(accepted_on_ledger(federation).size() == 6);
  check_receipts(federation);
}
