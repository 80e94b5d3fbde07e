// Members of a running federation: suspended, readmitted, with other keys.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <csignal>

#include "tests/process/federation.h"

using namespace gradmint;
using namespace gradmint::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

// The model it was given but for its last value, which grows ever faster: no two rounds have the
// same update. Worker 3 never ends, until a file says so; with
// TWINS set, workers 1 and 2 send the same.
constexpr const char* kTrainer = R"(cd "$GRADMINT_ROUND_DIR" || exit 1
case "$PWD" in
  */worker-1/*) n=1 ;;
  */worker-2/*) n=2 ;;
  *) n=3 ;;
esac
if [ $n = 3 ] && [ ! -e 'AWAKE' ]; then exec tail -f /dev/null; fi
if [ $n = 2 ] && [ -e 'TWINS' ]; then n=1; fi
size=$(wc -c < global.safetensors)
head -c $((size - 2)) global.safetensors > parameters.safetensors
printf "\\$(printf %o $((64 + 2 * GRADMINT_ROUND * GRADMINT_ROUND + n)))<" >> parameters.safetensors
echo '{"examples": 100, "steps": 1, "loss": 0.5}' > metrics.json
)";

struct Trainers {
  Directory here;
  Trainers() {
    std::string text = kTrainer;
    for (const std::string name : {"AWAKE", "TWINS"})
      text.replace(text.find(name), name.size(), file(name).string());
    write_text(here.path / "trainer.sh", text);
  }
  fs::path file(const std::string& name) const { return here.path / name; }
  void set(const std::string& name) const { write_text(file(name), ""); }
  std::string command() const { return "sh '" + (here.path / "trainer.sh").string() + "'"; }
};

Ran coordinator_command(const Federation& federation, const Words& words) {
  Words all{program("gradmint-coordinator")};
  all.insert(all.end(), words.begin(), words.end());
  all.insert(all.end(), {"--home", federation.home().string()});
  return run(all);
}

Ran member(const Federation& federation, Words words) {
  words.insert(words.begin(), "member");
  words.insert(words.end(), {"--format", "json"});
  return coordinator_command(federation, words);
}

json listed(const Federation& federation, const std::string& address) {
  const Ran ran = member(federation, {"list"});
  CAPTURE(ran.errors);
  REQUIRE(ran.status == 0);
  const json all = json::parse(ran.output);
  for (const json& line : all["members"])
    if (line["address"] == address) return line;
  FAIL("not listed: " << address);
  return {};
}

Ran rotate(const Federation& federation, const fs::path& home, const Words& more = {}) {
  Words words{program("gradmint"),
              "keys",
              "rotate",
              "--home",
              home.string(),
              "--passphrase-file",
              federation.plan().passphrase_file,
              "--format",
              "json"};
  words.insert(words.end(), more.begin(), more.end());
  return run(words);
}

json account(const Federation& federation, const std::string& address) {
  const Ran ran = run({program("gradmint"), "wallet", "balance", address, "--ledger",
                       federation.ledger().string(), "--format", "json"});
  CAPTURE(ran.errors);
  REQUIRE(ran.status == 0);
  return json::parse(ran.output)["accounts"][0];
}

std::uint64_t accepted_rounds(const Federation& federation, const std::string& address) {
  const Ran ran = federation.audit({"contributions"});
  CAPTURE(ran.errors);
  REQUIRE(ran.status == 0);
  std::uint64_t count = 0;
  const json all = json::parse(ran.output);
  for (const json& line : all["contributions"])
    if (line["address"] == address && line["verdict"] == "accepted") ++count;
  return count;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// With the key lost: the operator asks, waits, and asks again.
template <class Pay>
void ask_for_lost_keys(const Federation& federation, const std::string& address,
                       const fs::path& home, const Pay& pay) {
  const Ran made = rotate(federation, home, {"--lost"});
  CAPTURE(made.errors);
  REQUIRE(made.status == 0);
  const json keys = json::parse(made.output);
  const auto ask = [&] {
    const Ran ran = member(federation, {"rotate", address, "--public-key", keys["public_key"],
                                        "--curve-key", keys["curve_key"]});
    CAPTURE(ran.errors);
    REQUIRE(ran.status == 0);
    return json::parse(ran.output)["state"].get<std::string>();
  };
  CHECK(ask() == "pending");
  CHECK(ask() == "pending");
  CHECK(listed(federation, address).contains("rotation_due_height"));
  CHECK(pay(federation.plan().workers[1].home).status == 0);
  CHECK(ask() == "rotated");
  CHECK(pay(home).status == 1);
  const Ran finished = rotate(federation, home);
  CAPTURE(finished.errors);
  CHECK(finished.status == 0);
  CHECK(pay(home).status == 0);
}

}  // namespace

TEST_CASE("who pings and never trains costs three rounds, is told so, and can be readmitted") {
  const auto data = data_or_skip();
  if (!data) return;
  const Trainers trainers;
  FederationOptions options;
  options.rounds = 8;
  options.stall_deadline_ms = 6'000;
  options.trainer = trainers.command();
  const Federation federation(*data, options);
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  auto workers = federation.all_workers();
  const std::string& idle = federation.addresses()[2];
  CHECK(coordinator->await("settled", 3)["round"] == 3);
  const json suspended = coordinator->await("member_suspended");
  CHECK(suspended["worker"] == idle);
  CHECK(suspended["reason"] == "absent");
  CHECK(coordinator->await("round_opened", 4)["members"] == 2);
  const auto start = std::chrono::steady_clock::now();
  coordinator->await("settled", 5);
  CHECK(seconds_since(start) < 2 * 6.0);
  CHECK(coordinator_command(federation, {"pause"}).status == 0);
  const json line = listed(federation, idle);
  CHECK(line["state"] == "suspended");
  CHECK(line["rounds_missed"] == 3);
  CHECK(listed(federation, federation.addresses()[0])["state"] == "member");

  // Started anew it waits to be readmitted, as it did before.
  workers[2]->await_line("this worker is suspended since block");
  workers[2]->signal(SIGTERM);
  CHECK(workers[2]->wait() == 0);
  workers[2] = federation.worker(2);
  CHECK(workers[2]->await_line("this worker is suspended since block", 25) != "");

  trainers.set("AWAKE");
  const Ran back = member(federation, {"readmit", idle});
  CAPTURE(back.errors);
  CHECK(back.status == 0);
  CHECK(listed(federation, idle)["state"] == "member");
  const Ran again = member(federation, {"readmit", idle});
  CHECK(again.status == 1);
  CHECK(again.errors.find("is not suspended") != std::string::npos);
  CHECK(coordinator_command(federation, {"resume"}).status == 0);
  CHECK(coordinator->wait() == 0);
  wait_all(workers);
  CHECK(accepted_rounds(federation, idle) >= 1);
  const auto& lines = workers[2]->lines();
  CHECK(std::any_of(lines.begin(), lines.end(), [](const std::string& text) {
    return text.find("is suspended since block") != std::string::npos;
  }));
  federation.verified();
}

TEST_CASE("who comes late and who is suspended while connected hear why they wait") {
  const auto data = data_or_skip();
  if (!data) return;
  const Trainers trainers;
  FederationOptions options;
  options.rounds = 4;
  options.stall_deadline_ms = 600'000;  // worker 3 holds round 1 open until it is woken
  options.trainer = trainers.command();
  const Federation federation(*data, options);
  const fs::path config = federation.home() / "config.toml";
  std::string text = read_text(config);
  const std::string all = "min_workers = 3";
  REQUIRE(text.find(all) != std::string::npos);
  write_text(config, text.replace(text.find(all), all.size(), "min_workers = 2"));
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  auto first = federation.worker(0), third = federation.worker(2);
  CHECK(coordinator->await("round_opened", 1)["members"] == 2);
  auto late = federation.worker(1);
  CHECK(late->await_line("round 1 began without this worker; it takes part in the next one") != "");

  // Suspended, it is waited for no longer, and the round goes on without it.
  const std::string& idle = federation.addresses()[2];
  CHECK(member(federation, {"suspend", idle, "--reason", "does not train"}).status == 0);
  CHECK(third->await_line("this worker is suspended since block ").find("does not train") !=
        std::string::npos);
  CHECK(coordinator->await("round_opened", 2)["members"] == 2);
  CHECK(coordinator->wait() == 0);
  CHECK(first->wait() == 0);
  CHECK(late->wait() == 0);
  CHECK(third->wait() == 1);
  CHECK(accepted_rounds(federation, federation.addresses()[1]) >= 1);
  CHECK(accepted_rounds(federation, idle) == 0);
  federation.verified();
}

TEST_CASE("two with equal payloads cost no stall") {
  const auto data = data_or_skip();
  if (!data) return;
  const Trainers trainers;
  trainers.set("AWAKE");
  trainers.set("TWINS");
  FederationOptions options;
  options.rounds = 3;
  options.stall_deadline_ms = 60'000;
  options.trainer = trainers.command();
  const Federation federation(*data, options);
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  auto workers = federation.all_workers();
  coordinator->await("settled", 1, 120);
  const auto start = std::chrono::steady_clock::now();
  const json result = coordinator->await("result", 3, 180);
  CHECK(seconds_since(start) < 60.0);
  CHECK(result["accepted"].size() == 2);
  REQUIRE(result["rejected"].size() == 1);
  CHECK(result["rejected"][0]["reason"] == "root_seen_before");
  CHECK(coordinator->wait() == 0);
  wait_all(workers);
  federation.verified();
}

TEST_CASE("other keys keep balance and score, and the old ones are worth nothing") {
  const auto data = data_or_skip();
  if (!data) return;
  const Trainers trainers;
  FederationOptions options;
  options.workers = 2;
  options.trainer = trainers.command();
  options.rounds = 4;
  options.stall_deadline_ms = 2'000;
  options.exit_when_finished = false;
  options.extra = "\n[limits]\nrotation_delay_blocks = 2\n";
  const Federation federation(*data, options);
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  auto workers = federation.all_workers();
  coordinator->await("settled", 2);
  const std::string& address = federation.addresses()[0];
  const fs::path home = federation.plan().workers[0].home;
  CHECK(rotate(federation, home).status == 2);  // a worker runs there
  workers[0]->kill();
  const json before = account(federation, address);
  const fs::path old_home = federation.root() / "old";
  fs::copy(home, old_home, fs::copy_options::recursive);
  const Ran done = rotate(federation, home);
  CAPTURE(done.errors);
  REQUIRE(done.status == 0);
  CHECK(json::parse(done.output)["address"] == address);
  CHECK(json::parse(done.output)["state"] == "rotated");

  workers[0] = federation.worker(0);
  coordinator->await("settled", 4);
  wait_all(workers);
  CHECK(accepted_rounds(federation, address) == 4);
  const json after = account(federation, address);
  CHECK(std::stod(after["balance"].get<std::string>()) >
        std::stod(before["balance"].get<std::string>()));
  const auto pay = [&](const fs::path& from) {
    return run({program("gradmint"), "wallet", "transfer", federation.addresses()[1], "1", "--home",
                from.string(), "--passphrase-file", federation.plan().passphrase_file});
  };
  const Ran stolen = pay(old_home);
  CHECK(stolen.status == 1);
  CHECK(stolen.errors.find("bad_signature") != std::string::npos);
  CHECK(pay(home).status == 0);

  ask_for_lost_keys(federation, address, home, pay);

  // By the operator's word: told why, and not let in.
  CHECK(member(federation, {"suspend", address, "--reason", "data withdrawn"}).status == 0);
  auto refused = federation.worker(0);
  CHECK(refused->wait() == 1);
  CHECK(refused->errors().find("data withdrawn") != std::string::npos);
  CHECK(coordinator_command(federation, {"stop"}).status == 0);
  CHECK(coordinator->wait() == 0);
  const Ran nobody = member(federation, {"list"});
  CHECK(nobody.status == 2);
  CHECK(nobody.errors.find(federation.home().string()) != std::string::npos);
  federation.verified();
}
