// The commands as a user types them: what they print and their exit statuses.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "gradmint_test_paths.h"
#include "tests/ledger/store_fixture.h"
#include "tests/ledger/stored_world.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

struct Ran {
  int status = -1;
  std::string output;
};

Ran gradmint_command(const std::string& arguments) {
  Ran ran;
  const std::string line = "'" GRADMINT_BIN_DIR "/gradmint' " + arguments + " 2>&1";
  std::FILE* pipe = ::popen(line.c_str(), "r");
  REQUIRE(pipe != nullptr);
  char buffer[4096];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    ran.output.append(buffer, n);
  }
  const int ended = ::pclose(pipe);
  ran.status = WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
  return ran;
}

Ran gradmint_audit(const std::string& arguments) { return gradmint_command("audit " + arguments); }

struct Row {
  std::string arguments;  // LEDGER stands for the ledger's options
  int status;
  std::string contains;
};

}  // namespace

TEST_CASE("audit commands: what is printed, and the exit status") {
  World w;
  w.enrol();
  w.run_round();
  const TemporaryDirectory folder;
  const auto ledger = folder.path() / "ledger";
  store_world(w, ledger);
  const std::string address = address_of(w.workers[0].account());
  const std::string id = to_hex(w.played.back().draft.block.transactions.front().id);
  const std::string dataset = to_hex(dataset_id(w.workers[0].account(), w.dataset(0)));
  const Row rows[] = {
      {"verify LEDGER", 0, "ok        height"},
      {"verify --recompute LEDGER", 0, "recomputed"},
      {"verify --from-height 3 LEDGER", 0, "ok"},
      {"contributions LEDGER", 0, "score_ppm"},
      {"contributions --worker " + address + " --round 1 LEDGER", 0, address},
      {"explain " + address + " LEDGER", 0, "commitment.hash"},
      {"show block 0 LEDGER", 0, "proposer"},
      {"show round 1 LEDGER", 0, "settled"},
      {"show round 1 --attempt 0 LEDGER", 0, "settled"},
      {"show tx " + id + " LEDGER", 0, "settle_round"},
      {"show worker " + address + " LEDGER", 0, "worker 0"},
      {"show dataset " + dataset + " LEDGER", 0, "CC0-1.0"},
      {"show state a/" + to_hex(w.workers[0].account()) + " LEDGER", 0, "state_root"},
      {"show state m/ --height 0 LEDGER", 2, "after block 0 has no entry that begins with 'm/'"},
      {"show state j --height 0 LEDGER", 0, "height"},
      {"show state t/ LEDGER", 2, "has no entry that begins with 't/'"},
      {"show state a/0 LEDGER", 2, "no key of the state"},
      {"show state j --height 999 LEDGER", 2, "there is no block 999"},
      {"show round 1 --attempt 3 LEDGER", 2, "round 1 has no attempt 3; the last one is 0"},
      {"show block 1 --attempt 0 LEDGER", 2, "goes with 'round' alone"},
      {"show round 1 --height 0 LEDGER", 2, "goes with 'state' alone"},
      {"show block 99 LEDGER", 2, "there is no block 99"},
      {"show block x LEDGER", 2, "no height"},
      {"show round 9 LEDGER", 2, "no round '9'; the last one is 1"},
      {"contributions --round 77 LEDGER", 2, "no round '77'; the last one is 1"},
      {"contributions --worker " + address_of(hash_of("stranger")) + " LEDGER", 2,
       "knows no worker"},
      {"explain " + address + " --round 77 LEDGER", 2, "no round '77'; the last one is 1"},
      {"verify --from-height 999 LEDGER", 2, "newest block"},
      {"show tx 00 LEDGER", 2, "transaction id"},
      {"show worker nobody LEDGER", 2, "gm1"},
      {"show weather 1 LEDGER", 2, "weather"},
      {"explain nobody LEDGER", 2, "gm1"},
      {"explain " + address_of(hash_of("stranger")) + " LEDGER", 2, "knows no account"},
      {"verify --ledger '" + (folder.path() / "nowhere").string() + "'", 2, "no ledger"},
      {"verify", 2, "--ledger"},
      {"--help", 0, "verify"},
      {"verify --help", 0, "Exit status"},
  };
  for (const Row& row : rows) {
    std::string arguments = row.arguments;
    if (const auto at = arguments.find("LEDGER"); at != std::string::npos) {
      arguments.replace(at, 6, "--ledger '" + ledger.string() + "'");
    }
    const Ran ran = gradmint_audit(arguments);
    CAPTURE(arguments);
    CAPTURE(ran.output);
    CHECK(ran.status == row.status);
    CHECK(ran.output.find(row.contains) != std::string::npos);
  }
}

TEST_CASE("audit commands: a ledger with a fault") {
  World w;
  w.enrol();
  w.run_round();
  const TemporaryDirectory folder;
  const auto ledger = folder.path() / "ledger";
  store_world(w, ledger);
  const Ran json = gradmint_audit("verify --format json --ledger '" + ledger.string() + "'");
  CHECK(nlohmann::json::parse(json.output)["ok"] == true);

  // A balance is edited where it is stored.
  const std::string key = "s/" + state_key::account(w.workers[0].account());
  AccountRecord rich =
      get<AccountRecord>(w.chain.state(), state_key::account(w.workers[0].account())).value();
  rich.balance += 1;
  const Bytes bytes = encode_record(rich);
  set_entry(ledger, key, std::string(bytes.begin(), bytes.end()));
  const Ran fault = gradmint_audit("verify --format json --ledger '" + ledger.string() + "'");
  CHECK(fault.status == 1);
  const auto report = nlohmann::json::parse(fault.output);
  CHECK(report["ok"] == false);
  CHECK(report["fault"]["rule"] == "wrong_state_entry");
  CHECK(gradmint_audit("verify --ledger '" + ledger.string() + "'")
            .output.find("FAULT     wrong_state_entry") != std::string::npos);

  // A block is edited: nothing more is told from this ledger.
  auto entries = database_entries(ledger);
  const std::string header_key = std::string("h/") + std::string(7, '\0') + '\3';
  REQUIRE(entries.contains(header_key));
  std::string header = entries[header_key];
  header[60] = static_cast<char>(header[60] ^ 1);
  set_entry(ledger, header_key, header);
  const Ran refused = gradmint_audit("contributions --ledger '" + ledger.string() + "'");
  CHECK(refused.status == 1);
  CHECK(refused.output.find("run gradmint audit verify") != std::string::npos);
}

TEST_CASE("names on the ledger that are no UTF-8 and command a terminal: no program dies of them") {
  World w;
  w.enrol();
  w.run_round();
  const TemporaryDirectory folder;
  const auto ledger = folder.path() / "ledger";
  store_world(w, ledger);
  // Below every check: wherever the database says so.
  const std::string name = "worker 0", hostile = "\xff\xfe\x1b[2J\n\x7f";
  REQUIRE(name.size() == hostile.size());
  for (auto [key, value] : database_entries(ledger)) {
    const std::string before = value;
    for (std::size_t at; (at = value.find(name)) != std::string::npos;)
      value.replace(at, name.size(), hostile);
    if (value != before) set_entry(ledger, key, value);
  }
  const std::string address = address_of(w.workers[0].account());
  for (const std::string& command :
       {std::string("wallet balance"), std::string("model list"), std::string("audit verify"),
        std::string("audit contributions"), "audit explain " + address,
        "audit show worker " + address, std::string("audit show block 1")}) {
    for (const std::string format : {"table", "json"}) {
      const Ran ran =
          gradmint_command(command + " --format " + format + " --ledger '" + ledger.string() + "'");
      CAPTURE(command);
      CAPTURE(format);
      CAPTURE(ran.output);
      CHECK(ran.status >= 0);  // no signal
      CHECK(ran.status <= 2);
      CHECK_FALSE(ran.output.empty());
      CHECK(ran.output.find("json.exception") == std::string::npos);
      for (const char* obeyed : {"\xff", "\x1b", "\x7f"})
        CHECK(ran.output.find(obeyed) == std::string::npos);
      if (format == "json" && ran.status == 0) CHECK(nlohmann::json::accept(ran.output));
    }
  }
}
