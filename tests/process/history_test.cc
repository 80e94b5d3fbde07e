// One key, one history: an old copy of a coordinator's home signs nothing that its workers know
// better, and no second coordinator or worker runs in a home in use, whatever is deleted there.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <csignal>

#include "coordinator/server/history_desk.h"
#include "tests/process/federation.h"

using namespace gradmint;
using namespace gradmint::test;
namespace fs = std::filesystem;

namespace {

void check_says(const std::string& text, std::initializer_list<const char*> parts) {
  CAPTURE(text);
  for (const char* part : parts) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
}

void put(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  fs::create_directories(to.parent_path());
  fs::copy(from, to, fs::copy_options::recursive);
}

// A federation that was stopped with round 2 settled, of which every home is also there as it was
// when round 1 had been.
struct Past {
  Past(const std::string& data, const FederationOptions& options) : federation(data, options) {
    for (const std::uint64_t round : {1u, 2u}) {
      auto coordinator = federation.coordinator();
      coordinator->await("started");
      const auto workers = federation.all_workers();
      coordinator->await("settled", round);
      coordinator->kill();
      for (const auto& worker : workers) worker->kill();
      fs::remove_all(federation.home() / "run");  // a socket, which the library does not copy
      for (const fs::path& home : homes()) put(home, kept(round) / home.filename());
    }
  }
  std::vector<fs::path> homes() const {
    std::vector<fs::path> all{federation.home()};
    for (const auto& worker : federation.plan().workers) all.push_back(worker.home);
    return all;
  }
  fs::path kept(std::uint64_t round) const {
    return federation.root() / ("kept-" + std::to_string(round));
  }
  void put_back(const fs::path& home, std::uint64_t round) const {
    put(kept(round) / home.filename(), home);
  }
  Federation federation;
};

// With nothing in its log yet but what it says itself.
std::unique_ptr<Process> start_anew(const Federation& federation) {
  fs::remove(federation.root() / "log" / "coordinator.log");
  return federation.coordinator();
}

FederationOptions two_workers() {
  FederationOptions options;
  options.workers = 2;
  options.rounds = 4;
  return options;
}

}  // namespace

TEST_CASE("an old ledger beside the key, and an old copy of all: nothing is signed twice") {
  const auto data = data_or_skip();
  if (!data) return;
  const Past past(*data, two_workers());
  const Federation& federation = past.federation;

  put(past.kept(1) / federation.home().filename() / "ledger", federation.ledger());
  auto coordinator = start_anew(federation);
  CHECK(coordinator->wait() == 2);
  check_says(coordinator->errors(), {"second history", "Restore the newest copy"});

  // The whole home is old, so that nothing in it knows; but a worker does.
  past.put_back(federation.home(), 1);
  coordinator = start_anew(federation);
  coordinator->await("started");
  auto workers = federation.all_workers();
  auto warning = coordinator->await("warning");
  while (!warning.contains("height")) warning = coordinator->await("warning");
  CHECK(warning["height"].get<std::uint64_t>() > warning["tip"].get<std::uint64_t>());
  CHECK(coordinator->wait() == 1);
  check_says(coordinator->errors(), {"worker-", "which this validator's key has signed",
                                     "so it is an old copy", "Nothing more is signed"});
  CHECK(read_text(federation.root() / "log" / "coordinator.log").find("worker_silent") ==
        std::string::npos);
  // Not after a restart either, before any worker has come.
  coordinator = start_anew(federation);
  CHECK(coordinator->wait() == 2);
  check_says(coordinator->errors(), {"second history"});

  past.put_back(federation.home(), 2);
  coordinator = start_anew(federation);
  CHECK(coordinator->wait() == 0);
  wait_all(workers);
  CHECK(federation.verified()["rounds"].size() == 4);
}

TEST_CASE("started anew in mid-round, a coordinator first hears what its members hold") {
  const auto data = data_or_skip();
  if (!data) return;
  FederationOptions options = two_workers();
  options.rounds = 1;
  const Federation federation(*data, options);
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  const auto workers = federation.all_workers();
  coordinator->await("result", 1);  // what is left it does alone: evaluate, and settle
  coordinator->kill();
  for (const auto& worker : workers) worker->kill();
  const auto begun = std::chrono::steady_clock::now();
  coordinator = start_anew(federation);
  coordinator->await("settled", 1);
  CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds(kHearMembersMs));
  CHECK(coordinator->wait() == 0);
}

TEST_CASE(
    "two signed histories: the worker stops with both headers, the coordinator until its operator "
    "decides") {
  const auto data = data_or_skip();
  if (!data) return;
  FederationOptions options = two_workers();
  options.workers = 3;
  options.exit_when_finished = false;
  const Past past(*data, options);
  const Federation& federation = past.federation;
  // The first worker alone remembers round 2; the copies of all others make another.
  for (const fs::path& home : past.homes()) {
    if (home != federation.plan().workers[0].home) past.put_back(home, 1);
  }
  const fs::path config = federation.home() / "config.toml";
  std::string text = read_text(config);
  const std::string all = "min_workers = 3";
  REQUIRE(text.find(all) != std::string::npos);
  write_text(config, text.replace(text.find(all), all.size(), "min_workers = 2"));
  auto coordinator = start_anew(federation);
  coordinator->await("started");
  const auto second = federation.worker(1), third = federation.worker(2);
  coordinator->await("settled", 3);
  auto first = federation.worker(0);
  CHECK(coordinator->wait() == 1);
  check_says(coordinator->errors(), {"worker-1", "has signed two histories", "vouch --height"});
  CHECK(first->wait() == 1);
  check_says(first->errors(), {"FORK", "evidence", "was told", "ask its operator"});
  CHECK_FALSE(fs::is_empty(fs::path(federation.plan().workers[0].home) / "evidence"));

  coordinator = start_anew(federation);
  CHECK(coordinator->wait() == 2);
  const std::string why = coordinator->errors();
  check_says(why, {"another history"});
  const std::string command = "vouch --height ";
  const std::string height = why.substr(why.rfind(command) + command.size());
  const Ran vouched =
      run({program("gradmint-coordinator"), "vouch", "--home", federation.home().string(),
           "--height", height.substr(0, height.find_first_not_of("0123456789"))});
  CAPTURE(vouched.errors);
  REQUIRE(vouched.status == 0);
  coordinator = start_anew(federation);
  coordinator->await("started");
  first = federation.worker(0);  // it stops once more, and now alone
  CHECK(first->wait() == 1);
  coordinator->await("finished");
  coordinator->signal(SIGTERM);
  CHECK(coordinator->wait() == 0);
  CHECK(federation.verified()["rounds"].size() == 4);
}

TEST_CASE("a home in use admits no second program, whatever is deleted in it") {
  const auto data = data_or_skip();
  if (!data) return;
  FederationOptions options = two_workers();
  options.rounds = 1;
  const Federation federation(*data, options);
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  const auto second_coordinator = [&] {
    const auto second = std::make_unique<Process>(coordinator_run_command(federation.plan()),
                                                  federation.root() / "second.log");
    CHECK(second->wait() == 2);
    check_says(second->errors(), {"another coordinator is running in"});
  };
  second_coordinator();
  fs::remove(federation.ledger() / "db" / "LOCK");
  fs::remove_all(federation.home() / "run");
  second_coordinator();
  // Nor by way of another home whose ledger is this one.
  const fs::path other = federation.root() / "other";
  fs::create_directory(other);
  fs::copy(federation.home() / "keys", other / "keys", fs::copy_options::recursive);
  fs::copy_file(federation.home() / "config.toml", other / "config.toml");
  fs::create_directory_symlink(federation.ledger(), other / "ledger");
  Words words = coordinator_run_command(federation.plan());
  std::replace(words.begin(), words.end(), federation.home().string(), other.string());
  const Ran beside = run(words);
  CHECK(beside.status == 2);
  check_says(beside.errors, {"another process is using the ledger"});
  const Ran reader = federation.audit({"verify"});  // who only reads is not kept out
  CAPTURE(reader.errors);
  CHECK(reader.status == 0);

  auto worker = federation.worker(0);
  coordinator->await("worker_registered");
  fs::remove(fs::path(federation.plan().workers[0].home) / "lock");
  const auto second = std::make_unique<Process>(join_command(federation.plan(), 0, ""),
                                                federation.root() / "second_worker.log");
  CHECK(second->wait() == 2);
  check_says(second->errors(), {"another worker runs in"});
}
