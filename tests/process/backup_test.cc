// Backups of a running coordinator's home, and what becomes of one that is run.
#include <doctest/doctest.h>

#include <chrono>

#include "tests/process/federation.h"

using namespace gradmint;
using namespace gradmint::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

Ran operate(const Federation& federation, Words words) {
  words.insert(words.begin(), program("gradmint-coordinator"));
  words.insert(words.end(), {"--home", federation.home().string()});
  return run(words);
}

void back_up(const Federation& federation, const fs::path& to) {
  const Ran ran = operate(federation, {"backup", to.string()});
  CAPTURE(ran.errors);
  REQUIRE(ran.status == 0);
  CHECK(ran.output.find("holds the ledger up to block") != std::string::npos);
}

// Until the round under way has ended and no other opens.
void await_paused(const Federation& federation) {
  REQUIRE(operate(federation, {"pause"}).status == 0);
  const auto start = std::chrono::steady_clock::now();
  for (;;) {
    const json status = json::parse(operate(federation, {"status"}).output);
    if (status["phase"] == "paused") return;
    REQUIRE(std::chrono::steady_clock::now() < start + std::chrono::seconds(kPatienceS));
  }
}

void restore(const Federation& federation, const fs::path& backup) {
  fs::remove_all(federation.home());
  fs::copy(backup, federation.home(), fs::copy_options::recursive);
}

}  // namespace

TEST_CASE("the newest backup takes the home's place, an older one is noticed") {
  const auto data = data_or_skip();
  if (!data) return;
  FederationOptions options;
  options.workers = 2;
  options.rounds = 6;
  const Federation federation(*data, options);
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  auto workers = federation.all_workers();
  coordinator->await("settled", 1);
  const fs::path old = federation.root() / "old", newest = federation.root() / "newest";
  back_up(federation, old);  // in the middle of a round, or wherever it is
  const Ran again = operate(federation, {"backup", old.string()});
  CHECK(again.status == 2);
  CHECK(again.errors.find("is there already") != std::string::npos);
  CHECK(operate(federation, {"backup", (federation.home() / "b").string()}).status == 2);
  coordinator->await("settled", 2);
  await_paused(federation);
  back_up(federation, newest);
  const Ran audited = run({program("gradmint"), "audit", "verify", "--recompute", "--ledger",
                           (newest / "ledger").string(), "--format", "json"});
  CAPTURE(audited.output);
  CHECK(audited.status == 0);
  CHECK(json::parse(audited.output)["height"] ==
        json::parse(operate(federation, {"status"}).output)["height"]);
  coordinator->kill();

  restore(federation, old);
  auto stale = federation.coordinator();
  CHECK(stale->wait() == 1);
  CHECK(stale->errors().find("block") != std::string::npos);
  CAPTURE(stale->errors());

  restore(federation, newest);
  auto restored = federation.coordinator();
  CHECK(restored->await("settled", 6)["round"] == 6);
  CHECK(restored->wait() == 0);
  wait_all(workers);
  federation.verified();
}
