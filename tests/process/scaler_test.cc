// Three sites whose rows are distributed otherwise, with their columns in another order, train one
// model by the scaler of all their rows together; the coordinator dies between the statements and
// the scaler, and a fourth site joins when the first round is over.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "coordinator/cli/dev_homes.h"
#include "ledger/model/data_contract.h"
#include "tests/process/federation.h"

using namespace gradmint;
using namespace gradmint::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

struct Row {
  double age = 0, bmi = 0;
  bool ill = false;
};

// Site i's: older and heavier from one to the next.
std::vector<Row> rows_of(int site) {
  std::vector<Row> rows;
  for (int k = 0; k < 60 + 20 * site; ++k) {
    Row row;
    row.age = 20 + 15 * site + k * 37 % 31;
    row.bmi = 18 + 4 * site + 0.125 * (k * 53 % 67);
    row.ill = row.age + 2 * row.bmi > 110;
    rows.push_back(row);
  }
  return rows;
}

// `order`: of age, bmi, dx.
std::string csv_of(const std::vector<Row>& rows, const std::array<int, 3>& order) {
  std::string text;
  const auto add = [&](const std::array<std::string, 3>& fields) {
    for (int i = 0; i < 3; ++i)
      text += fields[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])] +
              (i < 2 ? "," : "\n");
  };
  add({"age", "bmi", "dx"});
  for (const Row& row : rows)
    add({std::to_string(row.age), std::to_string(row.bmi), row.ill ? "ill" : "well"});
  return text;
}

// All rows of its own file, none held out.
Words site_words(const Federation& federation, std::size_t i, const std::string& file,
                 const std::string& invitation) {
  Words words = join_command(federation.plan(), i, invitation);
  std::erase(words, "");
  const auto put = [&](const char* option, const std::string& value) {
    const auto at = std::find(words.begin(), words.end(), option);
    REQUIRE(at != words.end());
    *(at + 1) = value;
  };
  put("--data", file);
  put("--shard", "1/1");
  words.insert(words.end(), {"--holdout", "0"});
  return words;
}

struct Moments {
  double mean = 0, deviation = 0;
};
Moments moments_of(const std::vector<Row>& rows, double Row::*field) {
  Moments m;
  for (const Row& row : rows) m.mean += row.*field;
  m.mean /= static_cast<double>(rows.size());
  for (const Row& row : rows) m.deviation += (row.*field - m.mean) * (row.*field - m.mean);
  m.deviation = std::sqrt(m.deviation / static_cast<double>(rows.size()));
  return m;
}

// What a model's file says of itself.
DataContract contract_in(const fs::path& model) {
  const std::string text = read_text(model);
  std::uint64_t size = 0;
  for (int i = 7; i >= 0; --i)
    size = (size << 8) | static_cast<std::uint8_t>(text[static_cast<std::size_t>(i)]);
  const json header = json::parse(text.substr(8, size));
  const auto contract =
      DataContract::decode(header["__metadata__"]["gradmint.contract"].get<std::string>());
  REQUIRE_MESSAGE(contract.ok(), contract.error().message);
  return *contract;
}

Ran worker_command(Words words) {
  words.insert(words.begin(), {program("gradmint"), "worker"});
  return run(words);
}

// Refused by name, before the invitation is used up.
void check_refused(const Federation& federation, const std::string& invitation,
                   const std::string& file, const std::string& says) {
  for (const bool only_asks : {true, false}) {
    Words words = site_words(federation, 3, file, invitation);
    if (only_asks)
      words = {program("gradmint-worker"),
               "preflight",
               "--home",
               (federation.root() / "x").string(),
               "--invite",
               invitation,
               "--data",
               file,
               "--holdout",
               "0",
               "--device",
               "cpu"};
    const Ran ran = run(words);
    CAPTURE(ran.output);
    CAPTURE(ran.errors);
    CHECK(ran.status == (only_asks ? 1 : 2));
    CHECK((ran.output + ran.errors).find(says) != std::string::npos);
  }
}

void command_to(const Federation& federation, const std::string& what) {
  REQUIRE(
      run({program("gradmint-coordinator"), what, "--home", federation.home().string()}).status ==
      0);
}

bool says(const Process& process, const std::string& text) {
  const auto& lines = process.lines();
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return line.find(text) != line.npos; });
}

// The statements and the scaler, as an audit shows them.
void check_audit(const Federation& federation, std::size_t rows) {
  std::size_t stated = 0;
  json fixed;
  const json report = federation.verified();
  const auto tip = report["height"].get<std::uint64_t>();
  for (std::uint64_t height = 1; height <= tip; ++height) {
    const json block =
        json::parse(federation.audit({"show", "block", std::to_string(height)}).output);
    for (const json& each : block["transactions"]) {
      if (each["type"] != "state_sums" && each["type"] != "fix_scaler") continue;
      const json tx =
          json::parse(federation.audit({"show", "tx", each["id"].get<std::string>()}).output);
      if (each["type"] == "state_sums") {
        ++stated;
        CHECK(tx["body"]["columns"].size() == 2);
      } else {
        fixed = tx["body"];
      }
    }
  }
  CHECK(stated == 3);
  CHECK(fixed["sites"].size() == 3);
  CHECK(fixed["rows"] == rows);
}

// Three sites' files, and a federation that has seen none of them but to judge by.
struct Sites {
  Directory here;
  std::vector<std::string> files;
  std::vector<Row> pooled;
  std::optional<Federation> federation;

  std::string file(const std::string& name, const std::string& text) const {
    write_text(here.path / name, text);
    return "csv:" + (here.path / name).string();
  }
  Sites() {
    // The operator has a header and a row of each class.
    const std::string sample =
        file("sample.csv", csv_of({{30, 20, false}, {70, 31, true}}, {0, 1, 2}));
    const std::array<int, 3> orders[] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}};
    for (int i = 0; i < 3; ++i) {
      const std::vector<Row> rows = rows_of(i);
      pooled.insert(pooled.end(), rows.begin(), rows.end());
      files.push_back(file("site" + std::to_string(i) + ".csv",
                           csv_of(rows, orders[static_cast<std::size_t>(i)])));
    }
    FederationOptions options;
    options.rounds = 12;
    options.min_updates = 3;
    options.scaler = "sites";
    options.workers = 4;
    federation.emplace(sample, options);
    std::string config = read_text(federation->plan().config_file);
    for (const auto& [from, to] :
         {std::pair<std::string, std::string>("min_workers = 4", "min_workers = 3"),
          std::pair<std::string, std::string>(sample, files[1])}) {
      const auto at = config.find(from);
      REQUIRE(at != std::string::npos);
      config.replace(at, from.size(), to);
    }
    write_text(federation->home() / "config.toml", config);
  }
  std::unique_ptr<Process> join(std::size_t i, const std::string& invitation) const {
    return std::make_unique<Process>(
        site_words(*federation, i, files[std::min<std::size_t>(i, 2)], invitation),
        federation->log_of(i));
  }
};

// The model's contract has the scaler of the pooled rows, in fp32, and is used by it.
void check_model(const Sites& sites) {
  const Federation& federation = *sites.federation;
  const std::string model = (sites.here.path / "model.safetensors").string();
  REQUIRE(run({program("gradmint"), "model", "export", "-o", model, "--ledger",
               federation.ledger().string()})
              .status == 0);
  const DataContract contract = contract_in(model);
  REQUIRE(contract.columns.size() == 2);
  const Moments age = moments_of(sites.pooled, &Row::age),
                bmi = moments_of(sites.pooled, &Row::bmi);
  CHECK(contract.columns[0].scaler.mean == static_cast<float>(age.mean));
  CHECK(contract.columns[0].scaler.scale == static_cast<float>(age.deviation));
  CHECK(contract.columns[1].scaler.mean == static_cast<float>(bmi.mean));
  CHECK(contract.columns[1].scaler.scale == static_cast<float>(bmi.deviation));
  CHECK((contract_in(federation.home() / "checkpoints/round-000012.safetensors") == contract));

  const Ran judged = worker_command({"evaluate", "--parameters", model, "--data", sites.files[2],
                                     "--holdout", "0", "--device", "cpu"});
  CAPTURE(judged.errors);
  REQUIRE(judged.status == 0);
  CHECK(json::parse(judged.output)["metrics"]["accuracy"].get<double>() > 0.6);
  const Ran predicted = worker_command(
      {"predict", "--ledger", federation.ledger().string(), "--data", sites.files[0]});
  CHECK(predicted.status == 0);
  // The initial model is from before there was a scaler.
  const Ran early = worker_command(
      {"predict", "--model", federation.plan().initial_model, "--data", sites.files[0]});
  CHECK(early.status == 2);
  CHECK(early.errors.find("takes its scaler from the sites") != std::string::npos);
}

}  // namespace

TEST_CASE("sites with other distributions train one model by the scaler of all their rows") {
  const Sites sites;
  const Federation& federation = *sites.federation;
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  const std::string last_invitation = federation.invite();
  check_refused(federation, last_invitation,
                sites.file("few.csv", csv_of(std::vector<Row>(9, Row{1, 2, true}), {0, 1, 2})),
                "9 rows to train on");
  check_refused(federation, last_invitation,
                sites.file("far.csv", csv_of(std::vector<Row>(12, Row{1, 2e9, true}), {0, 1, 2})),
                "column 'bmi' has a value beyond 1000000000");

  std::vector<std::unique_ptr<Process>> workers;
  workers.push_back(sites.join(0, federation.invite()));
  workers.push_back(sites.join(1, federation.invite()));
  // Two of three have stated their sums: then it dies.
  coordinator->await("sums_stated");
  coordinator->await("sums_stated");
  coordinator->kill();
  coordinator = federation.coordinator();
  coordinator->await("started");
  workers.push_back(sites.join(2, federation.invite()));
  CHECK(coordinator->await("sums_stated")["stated"] == 3);
  const json fixed = coordinator->await("scaler_fixed");
  CHECK(fixed["sites"] == 3);
  CHECK(fixed["rows"] == sites.pooled.size());
  CHECK(fixed["columns"] == 2);
  CHECK(fixed["missing"].empty());
  coordinator->await("round_opened");
  coordinator->await("settled");
  // On a busy machine twelve rounds are over before another process has started.
  command_to(federation, "pause");
  workers.push_back(sites.join(3, last_invitation));
  workers.back()->await_line("scaler fixed from 3 sites");
  command_to(federation, "resume");
  CHECK(coordinator->wait() == 0);
  wait_all(workers);
  check_audit(federation, sites.pooled.size());
  CHECK(says(*workers[0], "stated the sums of 60 rows for the scaler"));
  CHECK_FALSE(says(*workers[3], "stated the sums"));
  CHECK(says(*workers[3], "scaler fixed from 3 sites with 240 rows"));
  check_model(sites);
}

TEST_CASE("a trainer of one's own needs --data where the scaler comes from the sites") {
  const Directory here;
  write_text(here.path / "sample.csv", csv_of({{30, 20, false}, {70, 31, true}}, {0, 1, 2}));
  FederationOptions options;
  options.scaler = "sites";
  const Federation federation("csv:" + (here.path / "sample.csv").string(), options);
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  const Ran ran = run({program("gradmint-worker"), "join", federation.invite(), "--home",
                       (here.path / "own").string(), "--trainer", "true", "--samples", "100",
                       "--passphrase-file", federation.plan().passphrase_file});
  CHECK(ran.status == 2);
  CHECK(ran.errors.find("give --data, beside a trainer of your own as well") != std::string::npos);
}
