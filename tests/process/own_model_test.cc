// A model, a trainer and an evaluator of one's own: `gradmint dev --initial`, and a federation
// whose workers have nothing to judge a model on.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "gradmint_test_paths.h"
#include "tests/process/federation.h"

using namespace gradmint::test;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

const std::string kScript = "python3 '" GRADMINT_SOURCE_DIR "/tests/process/batch_norm.py' ";

bool has_python() {
  if (std::system("python3 -c '' 2>/dev/null") == 0) return true;
  MESSAGE("SKIPPED: no python3");
  return false;
}

Ran dev(const fs::path& folder, const Words& more) {
  REQUIRE(std::system((kScript + "make '" + (folder / "m.safetensors").string() + "'").c_str()) ==
          0);
  Words words{program("gradmint"),
              "dev",
              "--home",
              (folder / "home").string(),
              "--report",
              (folder / "report.json").string(),
              "--initial",
              (folder / "m.safetensors").string()};
  words.insert(words.end(), more.begin(), more.end());
  return run(words);
}

json report_of(const fs::path& folder) { return json::parse(read_text(folder / "report.json")); }

}  // namespace

TEST_CASE("a BatchNorm model as it is saved: every honest worker is paid in each of five rounds") {
  if (!has_python()) return;
  for (const char* rule : {"mean", "krum:f=0", "clip"}) {
    CAPTURE(rule);
    const Directory folder;
    Words words{"--workers",       "4",           "--rounds",       "5", "--trainer",
                kScript + "train", "--evaluator", kScript + "judge"};
    const bool clips = rule == std::string("clip");
    words.insert(words.end(), {"--aggregator", clips ? "mean" : rule});
    if (clips) words.insert(words.end(), {"--pre", "clip:tau=10"});
    const Ran ran = dev(folder.path, words);
    REQUIRE_MESSAGE(ran.status == 0, ran.output << ran.errors);
    const json report = report_of(folder.path);
    CAPTURE(report);
    REQUIRE(report["rounds"].size() == 5);
    for (const json& round : report["rounds"]) {
      CHECK(round["accepted"].size() == 4);
      for (const auto& [worker, score] : round["scores"].items()) CHECK(score.get<int>() > 0);
    }
    CHECK(report["rounds"][4]["metrics"]["accuracy"]["median"].get<double>() > 0.9);
    CHECK(ran.output.find("squared norm") == std::string::npos);
  }
}

TEST_CASE("an evaluator that cannot judge is found out before a round") {
  if (!has_python()) return;
  const Directory folder;
  const Ran ran = dev(folder.path, {"--workers", "2", "--rounds", "2", "--trainer",
                                    kScript + "train", "--evaluator", "echo what a pity; exit 3"});
  CHECK(ran.status != 0);
  const std::string said = ran.output + ran.errors;
  CHECK_MESSAGE(said.find("evaluation.evaluator: ") != std::string::npos, said);
  CHECK_MESSAGE(
      said.find("evaluator: exited with status 3; last line: what a pity") != std::string::npos,
      said);
}

TEST_CASE("no round waits for workers that have nothing to judge a model on") {
  const auto data = data_or_skip();
  if (!has_python() || !data) return;
  FederationOptions options;
  options.workers = 2;
  options.evaluate_by_workers = true;
  options.trainer =
      "cd \"$GRADMINT_ROUND_DIR\"; echo '{\"examples\": 5}' > metrics.json; python3 -c \""
      "import os, struct; data = open('global.safetensors', 'rb').read(); "
      "drawn = struct.pack('<f', (int(os.environ['GRADMINT_SEED']) % 1000 + 1) / 1000); "
      "open('parameters.safetensors', 'wb').write(data[:-4] + drawn)\"";
  const Federation federation(*data, options);
  const auto begun = std::chrono::steady_clock::now();
  const auto coordinator = federation.coordinator();
  coordinator->await("started");
  auto workers = federation.all_workers();
  for (std::uint64_t round = 1; round <= 3; ++round) {
    const json settled = coordinator->await("settled", round);
    CHECK(settled.at("attestations") == 0);
    CHECK(settled.at("metrics").empty());
  }
  CHECK(coordinator->wait() == 0);
  wait_all(workers);
  // One unanswered request alone used to take 64 s.
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(60));
  const auto& lines = workers[0]->lines();
  CHECK(std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
    return line.find("this worker attests no model") != std::string::npos;
  }));
  // Steps that the trainer did not count are not told as none.
  CHECK(std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
    return line.find("trained, 5 examples") != std::string::npos &&
           line.find("steps") == std::string::npos;
  }));
}
