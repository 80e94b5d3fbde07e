// Whoever reads the programs' output stands still, as a stopped pager does: rounds go on.
#include <doctest/doctest.h>

#include <csignal>

#include "tests/process/federation.h"

using namespace gradmint;
using namespace gradmint::test;
namespace fs = std::filesystem;

namespace {

Setting unread() {
  Setting setting;
  setting.stalled = true;
  return setting;
}

// Waits until the coordinator in `home` is in that round. Each question is a program's run; at
// first nobody is there to answer.
void reach(const fs::path& home, int round) {
  for (int at = -1; at < round;) {
    const Ran ran = run({program("gradmint-coordinator"), "status", "--home", home.string()});
    if (ran.status == 0) at = nlohmann::json::parse(ran.output)["round"].get<int>();
  }
}

}  // namespace

TEST_CASE("nobody reads coordinator and workers: every round is settled, and all end") {
  const auto data = data_or_skip();
  if (!data) return;
  FederationOptions options;
  options.workers = 2;
  const Federation federation(*data, options);
  auto coordinator = federation.coordinator(unread());
  reach(federation.home(), 0);
  std::vector<std::unique_ptr<Process>> workers;
  for (std::size_t i = 0; i < 2; ++i) workers.push_back(federation.worker(i, {}, unread()));
  CHECK(coordinator->ends_unread());
  for (const auto& worker : workers) CHECK(worker->ends_unread());
  CHECK(coordinator->wait() == 0);
  for (const auto& worker : workers) CHECK(worker->wait() == 0);
  CHECK(federation.verified()["rounds"].size() == 3);
}

TEST_CASE("nobody reads dev: its federation goes on, and SIGTERM ends it") {
  const auto data = data_or_skip();
  if (!data) return;
  const Directory here;
  const fs::path home = here.path / "dev";
  Process dev({program("gradmint"), "dev", "--workers", "2", "--rounds", "100000", "--data", *data,
               "--home", home.string()},
              here.path / "errors", unread());
  reach(home / "coordinator", 3);
  dev.signal(SIGTERM);
  CHECK(dev.ends_unread());
  CHECK(dev.wait() == 1);
  CHECK(dev.errors().find("interrupted") != std::string::npos);
}
