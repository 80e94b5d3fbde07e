// Federations at work: trainers of the user's own, payments, evaluation by the workers.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>

#include "gradmint_test_paths.h"
#include "tests/process/federation.h"
#include "tests/support/paths.h"

using namespace gradmint;
using namespace gradmint::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

// A trainer that knows nothing of gradmint: the model it was given, but for its last value, which
// follows from worker and round. Worker 3's fails in round 1 and never ends in round 2.
constexpr const char* kTrainer = R"(cd "$GRADMINT_ROUND_DIR" || exit 1
case "$PWD" in
  */worker-1/*) n=1 ;;
  */worker-2/*) n=2 ;;
  *) n=3 ;;
esac
if [ $n = 3 ] && [ "$GRADMINT_ROUND" = 1 ]; then echo 'out of luck'; exit 3; fi
if [ $n = 3 ] && [ "$GRADMINT_ROUND" = 2 ]; then exec tail -f /dev/null; fi
size=$(wc -c < global.safetensors)
head -c $((size - 2)) global.safetensors > parameters.safetensors
printf "\\$(printf %o $((64 + 4 * GRADMINT_ROUND * GRADMINT_ROUND + n)))<" >> parameters.safetensors
echo '{"examples": 100, "steps": 1, "loss": 0.5}' > metrics.json
)";

json contributions(const Federation& federation) {
  const Ran ran = federation.audit({"contributions"});
  REQUIRE(ran.status == 0);
  return json::parse(ran.output)["contributions"];
}

std::string balance(const Federation& federation, const std::string& address) {
  const Ran ran = run({program("gradmint"), "wallet", "balance", address, "--ledger",
                       federation.ledger().string(), "--format", "json"});
  REQUIRE(ran.status == 0);
  return json::parse(ran.output)["accounts"][0]["balance"];
}

}  // namespace

TEST_CASE("tokens go from worker to worker and from the coordinator, while rounds are over") {
  const auto data = data_or_skip();
  if (!data) return;
  FederationOptions options;
  options.workers = 2;
  options.rounds = 1;
  options.exit_when_finished = false;
  const Federation federation(*data, options);
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  auto workers = federation.all_workers();
  coordinator->await("settled", 1);
  wait_all(workers);  // they go when all rounds are settled
  const std::string& paid = federation.addresses()[1];
  const std::string validator =
      json::parse(federation.audit({"show", "block", "1"}).output)["proposer"];
  const auto pay = [&](const fs::path& home, const std::string& to, const std::string& amount) {
    return run({program("gradmint"), "wallet", "transfer", to, amount, "--home", home.string(),
                "--passphrase-file", federation.plan().passphrase_file, "--memo", "thanks",
                "--format", "json"});
  };
  const fs::path worker_home = federation.plan().workers[0].home;
  const double before = std::stod(balance(federation, paid));
  const Ran done = pay(worker_home, paid, "1.25");
  CAPTURE(done.errors);
  REQUIRE(done.status == 0);
  CHECK(std::stod(balance(federation, paid)) == doctest::Approx(before + 1.25));
  CHECK(json::parse(
            federation.audit({"show", "tx", json::parse(done.output)["txid"]}).output)["height"] ==
        json::parse(done.output)["height"]);
  CHECK(pay(worker_home, validator, "2").status == 0);
  CHECK(balance(federation, validator) == "2");

  // Started again, also from the coordinator's own home.
  coordinator->kill();
  coordinator = federation.coordinator();
  coordinator->await("started");
  const Ran back = pay(federation.home(), paid, "0.5");
  CAPTURE(back.errors);
  CHECK(back.status == 0);
  CHECK(balance(federation, validator) == "1.5");
  const Ran refused = pay(federation.home(), paid, "100");
  CHECK(refused.status == 1);
  CHECK(refused.errors.find("1.5") != std::string::npos);
  CHECK(
      run({program("gradmint-coordinator"), "stop", "--home", federation.home().string()}).status ==
      0);
  CHECK(coordinator->wait() == 0);
  federation.verified();
}

TEST_CASE("workers evaluate: rounds settle with all attestations, and without a dead one's") {
  const auto data = data_or_skip();
  if (!data) return;
  FederationOptions options;
  options.rounds = 3;
  options.stall_deadline_ms = 1500;
  options.evaluate_by_workers = true;
  const Federation federation(*data, options);
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  auto workers = federation.all_workers();
  const json first = coordinator->await("settled", 1);
  CHECK(first["attestations"] == 3);
  CHECK(first["metrics"]["accuracy"]["measured"] == 3);
  CHECK(first["metrics"]["accuracy"]["median_micro"].get<std::int64_t>() > 100'000);
  CHECK(first["metrics"]["accuracy"]["mean_micro"].get<std::int64_t>() > 100'000);
  CHECK(first["training"]["loss"]["measured"] == 3);
  coordinator->await("round_opened", 2);
  workers[1]->kill();
  CHECK(coordinator->await("settled", 2)["attestations"] == 2);
  CHECK(coordinator->await("settled", 3)["attestations"] == 2);
  CHECK(coordinator->wait() == 0);
  workers.erase(workers.begin() + 1);
  wait_all(workers);
  federation.verified();
}

TEST_CASE("a trainer of the user's own; one that fails or never ends does not stop the others") {
  const auto data = data_or_skip();
  if (!data) return;
  const Directory here;
  write_text(here.path / "trainer.sh", kTrainer);
  FederationOptions options;
  options.rounds = 3;
  options.stall_deadline_ms = 1500;
  options.trainer = "sh '" + (here.path / "trainer.sh").string() + "'";
  const Federation federation(*data, options);
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  auto workers = federation.all_workers();
  CHECK(coordinator->wait() == 0);
  wait_all(workers);
  CHECK(federation.verified()["rounds"].size() == 3);
  std::vector<std::uint64_t> accepted(4);
  for (const json& line : contributions(federation))
    if (line["verdict"] == "accepted") ++accepted[line["round"].get<std::size_t>()];
  CHECK((accepted == std::vector<std::uint64_t>{0, 2, 2, 3}));
  CHECK(federation.worker_log(2).find("out of luck") != std::string::npos);
}

TEST_CASE("dev with the example trainer in plain Python") {
  const auto data = data_or_skip();
  if (!data || !fs::exists("/usr/bin/python3")) return;
  const Directory here;
  const Ran ran = run(
      {program("gradmint"), "dev", "--workers", "2", "--rounds", "2", "--data", *data, "--trainer",
       std::string("python3 '") + GRADMINT_SOURCE_DIR + "/docs/examples/trainer_plain.py'",
       "--home", (here.path / "home").string(), "--report", (here.path / "report.json").string()});
  CAPTURE(ran.output);
  CAPTURE(ran.errors);
  REQUIRE(ran.status == 0);
  const json report = json::parse(read_text(here.path / "report.json"));
  CHECK(report["audit"]["ok"] == true);
  for (const json& round : report["rounds"]) CHECK(round["accepted"].size() == 2);
}

TEST_CASE("output that a full disk does not take is a failure that says so") {
  for (const char* name :
       {"gradmint", "gradmint-worker", "gradmint-coordinator", "gradmint-aggregate"}) {
    for (const char* option : {" --version", " --help"}) {
      const Ran ran = run({"/bin/sh", "-c", program(name) + option + " > /dev/full"});
      CAPTURE(ran.errors);
      CHECK(ran.status == 2);
      CHECK(std::count(ran.errors.begin(), ran.errors.end(), '\n') == 1);
      CHECK(ran.errors.find("standard output takes no more") != std::string::npos);
    }
  }
}

TEST_CASE("whom a killed coordinator left alone is told so at once") {
  const auto data = data_or_skip();
  if (!data) return;
  const Federation federation(*data);
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  coordinator->kill();
  const auto start = std::chrono::steady_clock::now();
  const Ran asked = run(
      {program("gradmint-coordinator"), "member", "list", "--home", federation.home().string()});
  CHECK(asked.status == 2);
  CHECK(asked.errors.find("no coordinator runs in ") != std::string::npos);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}

TEST_CASE("every member diverges: five attempts pause the job, with the reason, and exit 1") {
  FederationOptions options;
  options.workers = 2;
  options.task = "regression";
  const Federation federation("csv:" + (cases_dir() / "csv/house_prices.csv").string(), options);
  const fs::path config = federation.home() / "config.toml";
  std::string text = read_text(config);
  const std::size_t table = text.find("[training]\n");
  REQUIRE(table != std::string::npos);
  const std::size_t end = text.find("\n\n", table);
  text.replace(table, end - table,
               "[training]\nlearning_rate = 1e6\nlocal_epochs = 30\nbatch_size = 8\n"
               "optimizer = \"sgd\"\nmomentum = 0.9");
  write_text(config, text);
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  auto workers = federation.all_workers();
  CHECK(coordinator->wait() == 1);
  std::size_t abandoned = 0;
  for (const json& event : coordinator->events())
    abandoned += event["event"] == "abandoned" && event["reason"] == "too_few_updates" ? 1 : 0;
  CHECK(abandoned == 5);
  CHECK(coordinator->errors().find("all 2 members of round 1 gave up training, 5 attempts in a "
                                   "row; one says: training failed: training diverged") !=
        std::string::npos);
}
