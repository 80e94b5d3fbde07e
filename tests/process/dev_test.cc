// gradmint dev as a user runs it: processes of their own, real sockets, the audit at the end.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "gradmint_test_paths.h"
#include "tests/support/paths.h"

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Directory {
  fs::path path;
  Directory() {
    std::string pattern = (fs::temp_directory_path() / "gradmint-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Directory() { fs::remove_all(path); }
};

struct Ran {
  int status = -1;
  std::string output;  // both streams
};

Ran run_gradmint(const std::string& arguments) {
  const std::string command =
      "'" + (fs::path(GRADMINT_BIN_DIR) / "gradmint").string() + "' " + arguments + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  Ran ran;
  char buffer[4096];
  for (std::size_t got; (got = fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    ran.output.append(buffer, got);
  const int ended = pclose(pipe);
  ran.status = WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
  return ran;
}

// What to train on: the digits where scripts/fetch_digits put them, else MNIST; empty when neither
// is there.
std::string data_option() {
  const char* named = std::getenv("GRADMINT_DIGITS");
  if (named != nullptr && *named != '\0') return "digits";
  for (const char* above : {"..", "../.."})
    if (fs::exists(fs::path(GRADMINT_BIN_DIR) / above / "data" / "digits.csv.gz")) return "digits";
  const fs::path mnist = gradmint::test::data_dir() / "mnist-10k";
  return fs::exists(mnist) ? "'mnist:" + mnist.string() + "'" : "";
}

// Command lines of living processes that name `home`.
std::set<std::string> living_in(const fs::path& home) {
  std::set<std::string> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::ifstream in(entry.path() / "cmdline", std::ios::binary);
    const std::string words{std::istreambuf_iterator<char>(in), {}};
    if (words.find(home.string()) != std::string::npos) found.insert(words);
  }
  return found;
}

json read_json(const fs::path& file) {
  std::ifstream in(file);
  return json::parse(in, nullptr, false);
}

// What an audit says of the receipt that a worker was given in a round.
Ran receipt(const fs::path& home, std::size_t worker, int round, const std::string& ledger) {
  const fs::path kept = home / ("worker-" + std::to_string(worker)) / "rounds" /
                        ("00000" + std::to_string(round) + "-0") / "update";
  return run_gradmint("audit receipt '" + kept.string() + "' --format json " + ledger);
}

void check_receipts(const fs::path& home, const json& report, const std::string& ledger) {
  for (std::size_t worker = 1; worker <= 3; ++worker) {
    for (int round = 1; round <= 2; ++round) {
      const Ran told = receipt(home, worker, round, ledger);
      CAPTURE(told.output);
      REQUIRE(told.status == 0);
      const json said = json::parse(told.output);
      CHECK(said["worker"] == report["workers"][worker - 1]["address"]);
      CHECK(said["verdict"] == (worker == 3 && round == 2 ? "non_finite" : "accepted"));
    }
  }
}

}  // namespace

TEST_CASE("dev: two rounds, a hostile worker, the audit, and the same roots again") {
  const std::string data = data_option();
  if (data.empty()) {
    std::cout << "SKIPPED: no digits (scripts/fetch_digits) and no MNIST under GRADMINT_DATA\n";
    return;
  }
  const Directory here;
  const auto options = [&](const std::string& name) {
    return "dev --workers 3 --rounds 2 --adversary 3:nan@2 --seed 5 --data " + data + " --home '" +
           (here.path / name).string() + "' --report '" + (here.path / (name + ".json")).string() +
           "'";
  };
  const Ran first = run_gradmint(options("one"));
  CAPTURE(first.output);
  REQUIRE(first.status == 0);
  CHECK(living_in(here.path / "one").empty());

  const json report = read_json(here.path / "one.json");
  REQUIRE(report.is_object());
  CHECK(report["ok"] == true);
  CHECK(report["audit"]["ok"] == true);
  REQUIRE(report["rounds"].size() == 2);
  REQUIRE(report["workers"].size() == 3);
  const std::string hostile = report["workers"][2]["address"];
  CHECK(report["workers"][2]["adversary"] == "nan@2");
  for (const json& round : report["rounds"]) {
    CHECK(round["model_root"].get<std::string>().size() == 64);
    CHECK(round["metrics"]["accuracy"]["median"].get<double>() > 0.0);
    CHECK(round["minted"].get<std::uint64_t>() > 0);
  }
  CHECK(report["rounds"][0]["accepted"].size() == 3);
  CHECK(report["rounds"][1]["accepted"].size() == 2);
  REQUIRE(report["rounds"][1]["rejected"].size() == 1);
  CHECK(report["rounds"][1]["rejected"][0]["worker"] == hostile);
  CHECK(report["audit"]["rounds"][1]["model_root"] == report["rounds"][1]["model_root"]);

  const std::string ledger = "--ledger '" + report["ledger"].get<std::string>() + "'";
  CHECK(run_gradmint("audit verify --recompute " + ledger).status == 0);
  const Ran balances = run_gradmint("wallet balance --format json " + ledger);
  REQUIRE(balances.status == 0);
  CHECK(json::parse(balances.output)["accounts"].size() == 4);
  const fs::path exported = here.path / "model.safetensors";
  CHECK(run_gradmint("model export --round 1 -o '" + exported.string() + "' " + ledger).status ==
        0);
  CHECK(fs::file_size(exported) > 1000);
  CHECK(run_gradmint("model export --round 3 -o '" + exported.string() + "' " + ledger).status ==
        2);

  check_receipts(here.path / "one", report, ledger);

  const Ran second = run_gradmint(options("two"));
  CAPTURE(second.output);
  REQUIRE(second.status == 0);
  const json again = read_json(here.path / "two.json");
  // The same keys, another chain.
  const Ran other =
      receipt(here.path / "one", 1, 1, "--ledger '" + again["ledger"].get<std::string>() + "'");
  CHECK(other.status == 1);
  CHECK(json::parse(other.output)["fault"]["rule"] == "bad_signature");
  for (std::size_t i = 0; i < 2; ++i)
    CHECK(again["rounds"][i]["model_root"] == report["rounds"][i]["model_root"]);
}
