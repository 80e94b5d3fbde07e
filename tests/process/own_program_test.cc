// Programs of a worker's own: what preflight says of them before they join, and the data contract
// that they find in round.json where the sites gave its scaler.
#include <doctest/doctest.h>

#include <cmath>

#include "ledger/json_text.h"
#include "ledger/model/data_contract.h"
#include "tests/process/federation.h"

using namespace gradmint;
using namespace gradmint::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr const char* kSample = "age,bmi,dx\n30,20,well\n70,31,ill\n";

// Another update at each worker: the last value is drawn from the seed.
const std::string kTrainer =
    "cd \"$GRADMINT_ROUND_DIR\"; echo '{\"examples\": 12, \"metrics\": {\"loss\": 0.5}}' > "
    "metrics.json; python3 -c \"import os, struct; data = open('global.safetensors', 'rb').read(); "
    "drawn = struct.pack('<f', (int(os.environ['GRADMINT_SEED']) % 1000 + 1) / 1000); "
    "open('parameters.safetensors', 'wb').write(data[:-4] + drawn)\"";
const std::string kEvaluator =
    "cd \"$GRADMINT_ROUND_DIR\"; grep -q '\"kind\": \"evaluate\"' round.json && echo "
    "'{\"examples\": 3, \"metrics\": {\"dice\": 0.5}}' > metrics.json";

// 12 rows whose first column begins at `age`.
std::string site_rows(int age) {
  std::string text = "dx,bmi,age\n";
  for (int i = 0; i < 12; ++i)
    text += std::string(i % 3 == 0 ? "ill" : "well") + "," + std::to_string(20 + i) + "," +
            std::to_string(age + i) + "\n";
  return text;
}

struct Place {
  Directory here;
  std::string file(const std::string& name, const std::string& text) const {
    write_text(here.path / name, text);
    return "csv:" + (here.path / name).string();
  }
  std::string path(const std::string& name) const { return (here.path / name).string(); }
};

// Its initial model was made with --scaler sites; the same of `worker contract` is the same
// contract, else init refuses it.
void check_contract_command(const Place& place, const Federation& federation,
                            const std::string& sample) {
  const std::string contract = place.path("contract.json");
  REQUIRE(run({program("gradmint"), "worker", "contract", "--data", sample, "--scaler", "sites",
               "-o", contract})
              .status == 0);
  CHECK(json::parse(read_text(contract))["scaler"] == "sites");
  std::string config = read_text(federation.plan().config_file);
  config.insert(config.find("[task]\n") + 7, "contract = \"" + contract + "\"\n");
  write_text(place.path("config.toml"), config);
  const Ran ran =
      run({program("gradmint-coordinator"), "init", "--home", place.path("second"), "--config",
           place.path("config.toml"), "--passphrase-file", federation.plan().passphrase_file});
  CHECK_MESSAGE(ran.status == 0, ran.errors);
}

// Each worker's round.json, as its trainer found it.
void check_told(const std::vector<json>& told) {
  for (const json& task : told) {
    const std::string text = json_text(task["contract"]);
    CAPTURE(text);
    const auto contract = DataContract::decode(text);
    REQUIRE_MESSAGE(contract.ok(), contract.error().message);
    REQUIRE(contract->columns.size() == 2);
    CHECK(contract->columns[0].name == "age");
    // 20…31 and 40…51; 20…31 twice.
    CHECK(contract->columns[0].scaler.mean == 35.5F);
    CHECK(contract->columns[1].scaler.mean == 25.5F);
    CHECK(contract->columns[1].scaler.scale == static_cast<float>(std::sqrt(143.0 / 12)));
  }
}

}  // namespace

TEST_CASE("trainers of one's own find the scaler that the sites gave in round.json") {
  const Place place;
  const std::string sample = place.file("sample.csv", kSample);
  FederationOptions options;
  options.scaler = "sites";
  options.workers = 2;
  options.rounds = 2;
  options.min_updates = 2;
  const Federation federation(sample, options);
  check_contract_command(place, federation, sample);
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  std::vector<std::unique_ptr<Process>> workers;
  for (int i = 0; i < 2; ++i) {
    const std::string name = "site" + std::to_string(i);
    workers.push_back(std::make_unique<Process>(
        Words{program("gradmint-worker"), "join", federation.invite(), "--home", place.path(name),
              "--data", place.file(name + ".csv", site_rows(20 + 20 * i)), "--holdout", "0",
              "--passphrase-file", federation.plan().passphrase_file, "--trainer",
              "cp \"$GRADMINT_ROUND_DIR/round.json\" '" + place.path(name + ".json") + "'; " +
                  kTrainer},
        place.path(name + ".log")));
  }
  CHECK(coordinator->await("scaler_fixed")["rows"] == 24);
  CHECK(coordinator->wait() == 0);
  wait_all(workers);
  check_told({json::parse(read_text(place.path("site0.json"))),
              json::parse(read_text(place.path("site1.json")))});
  federation.verified();
}

TEST_CASE("preflight runs a worker's own programs once, and says what it would meet in a round") {
  const Place place;
  const Federation federation(place.file("sample.csv", kSample));
  const std::string initial = federation.plan().initial_model;
  struct Row {
    const char* what;
    Words words;
    int status;
    const char* says;
  };
  const Row table[] = {
      {"both",
       {"--trainer", kTrainer, "--evaluator", kEvaluator, "--initial", initial},
       0,
       "ok      trainer   trained in "},
      {"both",
       {"--trainer", kTrainer, "--evaluator", kEvaluator, "--initial", initial},
       0,
       ": dice 0.5000, 3 examples\n"},
      {"no model", {"--trainer", kTrainer}, 0, "skipped trainer   give --initial"},
      {"a model alone", {"--initial", initial}, 2, "--initial is the model that --trainer and"},
      {"no such model",
       {"--trainer", kTrainer, "--initial", "none.safetensors"},
       1,
       "FAILED  initial   cannot open 'none.safetensors': "},
      {"it fails",
       {"--trainer", "echo no GPU; exit 3", "--initial", initial},
       1,
       "FAILED  trainer   trainer: exited with status 3; last line: no GPU (its files are in "},
      {"it learns nothing",
       {"--trainer",
        "cd \"$GRADMINT_ROUND_DIR\"; cp global.safetensors parameters.safetensors; echo "
        "'{\"examples\": 5}' > metrics.json",
        "--initial", initial},
       0,
       "5 examples; it left the parameters as they were\n"},
      {"it judges nothing",
       {"--evaluator", "true", "--initial", initial},
       1,
       "FAILED  evaluator evaluator: metrics.json: "},
  };
  for (const Row& row : table) {
    CAPTURE(row.what);
    Words words{program("gradmint-worker"), "preflight", "--device", "cpu", "--home",
                place.path("home")};
    words.insert(words.end(), row.words.begin(), row.words.end());
    const Ran ran = run(words);
    CAPTURE(ran.output);
    CAPTURE(ran.errors);
    CHECK(ran.status == row.status);
    CHECK((ran.output + ran.errors).find(row.says) != std::string::npos);
  }
}
