// Named metrics from the programs that measure them to the ledger and whoever reads it: a whole
// federation whose evaluators measure what they like.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <thread>

#include "ledger/model/safetensors.h"
#include "tests/process/federation.h"

using namespace gradmint;
using namespace gradmint::test;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr const char* kWho = R"(cd "$GRADMINT_ROUND_DIR" || exit 1
case "$PWD" in */worker-1/*) n=1 ;; */worker-2/*) n=2 ;; *) n=3 ;; esac
)";
constexpr const char* kTrain = R"(
size=$(wc -c < global.safetensors)
head -c $((size - 2)) global.safetensors > parameters.safetensors
printf "\\$(printf %o $((64 + 4 * GRADMINT_ROUND * GRADMINT_ROUND + n)))<" >> parameters.safetensors
echo "{\"examples\": $n, \"metrics\": {\"loss\": 0.$n, \"kept\": null}}" > metrics.json
)";
// The second round has the best auc; only two have what dice needs, and one of those three times
// the samples.
constexpr const char* kJudge = R"(
auc=0.5; if [ "$GRADMINT_ROUND" = 2 ]; then auc=0.9; fi
dice=0.${GRADMINT_ROUND}$n; if [ $n = 3 ]; then dice=null; fi
examples=100; if [ $n = 2 ]; then examples=300; fi
echo "{\"examples\": $examples, \"metrics\": {\"auc\": $auc, \"dice\": $dice, \"error/max\": 1e12}}" > metrics.json
)";

void set_in_rounds(const fs::path& config, const std::string& lines) {
  std::string text = read_text(config);
  const std::size_t table = text.find("[rounds]\n");
  REQUIRE(table != std::string::npos);
  write_text(config, text.insert(table + 9, lines));
}

std::string round_of(const fs::path& model) {
  const std::string text = read_text(model);
  const auto header =
      parse_safetensors({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  REQUIRE(header.ok());
  return header->metadata.at("gradmint.round");
}

// Whether a process lives whose command line has that in it.
bool runs(const std::string& text) {
  std::error_code gone;
  for (const fs::directory_entry& process : fs::directory_iterator("/proc", gone)) {
    std::ifstream file(process.path() / "cmdline");
    const std::string line{std::istreambuf_iterator<char>(file), {}};
    if (line.find(text) != std::string::npos) return true;
  }
  return false;
}

json json_of(const Words& words) {
  const Ran ran = run(words);
  REQUIRE_MESSAGE(ran.status == 0, ran.errors);
  return json::parse(ran.output);
}

}  // namespace

TEST_CASE("metrics of any name reach the ledger: median, mean, null, bound; the best, the goal") {
  const auto data = data_or_skip();
  if (!data) return;
  FederationOptions options;
  options.rounds = 9;
  options.evaluate_by_workers = true;
  options.trainer = std::string(kWho) + kTrain;
  const Federation federation(*data, options);
  set_in_rounds(federation.home() / "config.toml",
                "stop_when = \"dice >= 0.31\"\nbest_by = \"auc\"\n");
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  std::vector<std::unique_ptr<Process>> workers;
  for (std::size_t i = 0; i < 3; ++i)
    workers.push_back(federation.worker(i, {"--evaluator", std::string(kWho) + kJudge}));
  const json settled = coordinator->await("settled", 3);
  CHECK(settled["metrics"] == json::parse(R"({
    "auc": {"measured": 3, "median_micro": 500000, "mean_micro": 500000, "saturated": false},
    "dice": {"measured": 2, "median_micro": 310000, "mean_micro": 317500, "saturated": false},
    "error/max": {"measured": 3, "median_micro": 1000000000000000, "mean_micro": null,
                  "saturated": true}})"));
  // Weighted by 1, 2 and 3 examples.
  CHECK(settled["training"] == json::parse(R"({
    "kept": {"measured": 0, "median_micro": null, "mean_micro": null, "saturated": false},
    "loss": {"measured": 3, "median_micro": 200000, "mean_micro": 233333, "saturated": false}})"));
  const json finished = coordinator->await("finished");
  CHECK(finished["rounds"] == 3);
  CHECK(finished["best"]["round"] == 2);
  CHECK(coordinator->wait() == 0);
  wait_all(workers);

  CHECK(round_of(federation.home() / "checkpoints/best.safetensors") == "2");
  const std::string ledger = federation.ledger().string();
  const json models = json_of({program("gradmint"), "model", "list", "--ledger", ledger, "--format",
                               "json", "--best-by", "highest auc"})["models"];
  REQUIRE(models.size() == 4);
  for (const json& model : models) CHECK(model["best"] == (model["round"] == 2));
  CHECK(models[0]["metrics"].empty());
  CHECK(models[3]["metrics"]["dice"]["mean"] == 0.3175);
  CHECK(models[3]["metrics"]["error/max"]["median"].is_null());
  CHECK(models[3]["metrics"]["error/max"]["saturated"] == true);
  const fs::path exported = federation.root() / "best.safetensors";
  const auto export_by = [&](const std::string& metric) {
    return run({program("gradmint"), "model", "export", "--ledger", ledger, "--best-by", metric,
                "-o", exported.string()});
  };
  CHECK(export_by("lowest dice").status == 0);
  CHECK(round_of(exported) == "1");
  const Ran unknown = export_by("f1");
  CHECK(unknown.status != 0);
  CHECK(unknown.errors.find("no settled round has a measured 'f1'") != std::string::npos);
  const json round = json::parse(federation.audit({"show", "round", "3"}).output);
  CHECK(round["settled"]["metrics"] == settled["metrics"]);
  CHECK(round["commits"][0]["metrics"]["kept"].is_null());
  CHECK(federation.verified()["ok"] == true);
}

TEST_CASE("a coordinator that tries an evaluator which hangs ends when it is told to") {
  const auto data = data_or_skip();
  if (!data) return;
  FederationOptions options;
  const Federation federation(*data, options);
  const fs::path begun = federation.root() / "begun";
  REQUIRE(::mkfifo(begun.c_str(), 0600) == 0);
  std::string config = read_text(federation.home() / "config.toml");
  const std::size_t command = config.find("command = ", config.find("[evaluation]\n"));
  REQUIRE(command != std::string::npos);
  config.replace(command, config.find('\n', command) - command,
                 "evaluator = \"echo > '" + begun.string() + "'; exec sleep 600\"");
  write_text(federation.home() / "config.toml", config);
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  std::string line;
  std::getline(std::ifstream(begun) >> std::ws, line);  // until the evaluator runs
  const auto asked = std::chrono::steady_clock::now();
  coordinator->signal(SIGINT);
  CHECK(coordinator->wait() == 0);
  CHECK(std::chrono::steady_clock::now() - asked < std::chrono::seconds(10));
  CHECK_FALSE(runs(begun.string()));  // it went with its coordinator
}

TEST_CASE("an evaluator ends with whoever asked it, killed or told to end") {
  const Directory here;
  const fs::path model = here.path / "m.safetensors";
  const auto layout = ModelLayout::create({{"w", {1}, false}});
  const auto bytes = write_safetensors(*layout, std::vector<float>{1});
  write_text(model, {bytes.begin(), bytes.end()});
  for (const int number : {SIGKILL, SIGTERM, SIGINT}) {
    CAPTURE(number);
    const std::string mark = (here.path / ("mark" + std::to_string(number))).string();
    REQUIRE(::mkfifo(mark.c_str(), 0600) == 0);
    // Its shell is another program's name by then, and what that program starts is told apart.
    Process judge({program("gradmint-worker"), "evaluate", "--evaluator",
                   "exec sh -c 'trap : TERM INT; echo > " + mark + "; read never' < /dev/zero",
                   "--parameters", model.string()},
                  here.path / "log");
    std::string line;
    std::getline(std::ifstream(mark) >> std::ws, line);
    judge.signal(number);
    CHECK(judge.wait() != 0);
    while (runs(mark)) std::this_thread::yield();  // ctest ends a test that waits for ever
  }
}
