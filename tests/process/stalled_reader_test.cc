// Whoever reads the programs' output stands still, as a stopped pager does: rounds go on.
#include <doctest/doctest.h>

#include <csignal>

#include "tests/process/federation.h"

using namespace gradmint;
using namespace gradmint::test;
namespace fs = std::filesystem;

namespace {

constexpr int kPage = 4096;  // the smallest pipe

Setting unread() {
  Setting setting;
  setting.pipe_bytes = kPage;
  return setting;
}

}  // namespace

TEST_CASE("nobody reads coordinator and workers: every round is settled, and all end") {
  const auto data = data_or_skip();
  if (!data) return;
  FederationOptions options;
  options.workers = 2;
  options.rounds = 40;  // a page of each one's lines, and more
  const Federation federation(*data, options);
  auto coordinator = federation.coordinator(unread());
  coordinator->await("started");
  std::vector<std::unique_ptr<Process>> workers;
  for (std::size_t i = 0; i < 2; ++i) workers.push_back(federation.worker(i, {}, unread()));
  CHECK(coordinator->ends_unread(3 * kPatienceS));
  for (const auto& worker : workers) CHECK(worker->ends_unread());
  CHECK(coordinator->wait() == 0);
  for (const auto& worker : workers) {
    CHECK(worker->wait() == 0);
    std::size_t bytes = 0;
    for (const std::string& line : worker->lines()) bytes += line.size() + 1;
    CHECK(bytes >= kPage / 2);  // or this test shows nothing
  }
  CHECK(federation.verified()["rounds"].size() == 40);
}

TEST_CASE("nobody reads dev: its federation goes on, and SIGTERM ends it") {
  const auto data = data_or_skip();
  if (!data) return;
  const Directory here;
  const fs::path home = here.path / "dev";
  Process dev({program("gradmint"), "dev", "--workers", "2", "--rounds", "100000", "--data", *data,
               "--home", home.string()},
              here.path / "errors", unread());
  dev.await_line("round    1/");
  const auto round = [&] {
    const Ran ran =
        run({program("gradmint-coordinator"), "status", "--home", (home / "coordinator").string()});
    REQUIRE(ran.status == 0);
    return nlohmann::json::parse(ran.output)["round"].get<int>();
  };
  while (round() < 80) {  // each asks a program and waits for it
  }
  dev.signal(SIGTERM);
  CHECK(dev.ends_unread());
  CHECK(dev.wait() == 1);
  CHECK(dev.errors().find("interrupted") != std::string::npos);
}
