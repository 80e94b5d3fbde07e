// Three clinics whose files name the same columns in another order train one model, which answers
// to a single row as it does to the whole file.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "coordinator/cli/dev_homes.h"
#include "tests/process/federation.h"
#include "tests/support/paths.h"

using namespace gradmint;
using namespace gradmint::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// Lines of three fields, which come in the order given.
std::string reordered(const std::vector<std::string>& lines, const std::array<int, 3>& order) {
  std::string text;
  for (const std::string& line : lines) {
    std::vector<std::string> fields;
    std::istringstream stream(line);
    for (std::string field; std::getline(stream, field, ',');) fields.push_back(field);
    REQUIRE(fields.size() == 3);
    for (int i = 0; i < 3; ++i)
      text += fields[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])] +
              (i < 2 ? "," : "\n");
  }
  return text;
}

Words with_data(Words words, const std::string& spec) {
  const auto at = std::find(words.begin(), words.end(), "--data");
  REQUIRE(at != words.end());
  *(at + 1) = spec;
  return words;
}

Ran predict(const Words& more) {
  Words words{program("gradmint"), "worker", "predict"};
  words.insert(words.end(), more.begin(), more.end());
  return run(words);
}

// A site that means something else is refused by name, before its invitation is used up.
void check_refused(const Federation& federation, const std::string& invitation,
                   const std::string& strange, const fs::path& home) {
  for (const bool only_asks : {true, false}) {
    Words words = with_data(join_command(federation.plan(), 2, invitation), strange);
    if (only_asks) {
      words = {program("gradmint-worker"),
               "preflight",
               "--home",
               home.string(),
               "--invite",
               invitation,
               "--data",
               strange,
               "--device",
               "cpu"};
    }
    const Ran ran = run(words);
    CAPTURE(ran.output);
    CAPTURE(ran.errors);
    CHECK(ran.status == (only_asks ? 1 : 2));
    CHECK((ran.output + ran.errors)
              .find("there is no column 'bmi', which the federation's data contract has (age, "
                    "bmi)") != std::string::npos);
  }
}

// "ROW,CLASS,P,P": the same class, and the same probabilities but for what libtorch's sums of
// batches of another size round otherwise, which differs between processors.
void check_same_answer(const std::string& one, const std::string& other) {
  const auto fields_of = [](const std::string& line) {
    std::vector<std::string> fields;
    std::istringstream in(line);
    for (std::string field; std::getline(in, field, ',');) fields.push_back(field);
    return fields;
  };
  const auto left = fields_of(one), right = fields_of(other);
  REQUIRE(left.size() == 4);
  REQUIRE(right.size() == 4);
  CHECK(left[1] == right[1]);
  for (const std::size_t p : {2U, 3U})
    CHECK(std::stod(left[p]) == doctest::Approx(std::stod(right[p])).epsilon(1e-5));
}

// A contract that is not the model's would give its numbers another meaning.
void check_other_contract(const Federation& federation, const fs::path& here) {
  const std::string config = read_text(federation.plan().config_file);
  const Words made{program("gradmint"),           "worker", "contract", "--data", "", "-o",
                   (here / "other.json").string()};
  const std::pair<std::string, std::string> others[] = {
      {"age,bmi,dx\n1,2,ill\n3,4,dead\n5,7,well\n", "is not the contract that"},
      {"bmi,age,dx\n1,2,ill\n3,4,dead\n", "is not the contract that"}};
  for (const auto& [rows, says] : others) {
    write_text(here / "other.csv", rows);
    Words words = made;
    words[4] = "csv:" + (here / "other.csv").string();
    REQUIRE(run(words).status == 0);
    std::string changed = config;
    changed.insert(changed.find("[task]\n") + 7,
                   "contract = \"" + (here / "other.json").string() + "\"\n");
    write_text(here / "config.toml", changed);
    const Ran ran = run({program("gradmint-coordinator"), "init", "--home",
                         (here / "other").string(), "--config", (here / "config.toml").string(),
                         "--passphrase-file", federation.plan().passphrase_file});
    CAPTURE(ran.errors);
    CHECK(ran.status == 2);
    CHECK(ran.errors.find(says) != std::string::npos);
  }
  Words own = made;
  own[4] = "csv:" + (here / "other.csv").string();
  own[6] = (here / "other.csv").string();
  CHECK(run(own).status == 2);
}

// What the genesis fixed cannot be edited afterwards.
void check_fixed(const Federation& federation) {
  const std::string& config = federation.plan().config_file;
  const std::string as_made = read_text(federation.home() / "config.toml");
  for (const fs::path& file : {fs::path(config), federation.home() / "config.toml"})
    write_text(file, as_made + "\n[limits]\ndatasets_per_worker = 7\n");
  auto again = federation.coordinator();
  CHECK(again->wait() == 2);
  for (const fs::path& file : {fs::path(config), federation.home() / "config.toml"})
    write_text(file, as_made);
}

}  // namespace

TEST_CASE("clinics with columns in another order train one model, and use it on one row") {
  const Directory here;
  const auto rows = lines_of(read_text(cases_dir() / "csv/site_a.csv"));
  REQUIRE(rows.size() > 100);
  const auto file = [&](const std::string& name, const std::string& text) {
    write_text(here.path / name, text);
    return "csv:" + (here.path / name).string();
  };
  const std::string sites[] = {file("a.csv", reordered(rows, {0, 1, 2})),
                               file("b.csv", reordered(rows, {2, 1, 0})),
                               file("c.csv", reordered(rows, {1, 2, 0}))};
  FederationOptions options;
  options.rounds = 4;
  const Federation federation(sites[0], options);
  auto coordinator = federation.coordinator();
  coordinator->await("started");

  const std::string invitation = federation.invite();
  check_refused(federation, invitation, file("d.csv", "age,weight,dx\n1,2,ill\n3,4,dead\n"),
                here.path / "x");

  std::vector<std::unique_ptr<Process>> workers;
  for (std::size_t i = 0; i < 3; ++i) {
    workers.push_back(std::make_unique<Process>(
        with_data(join_command(federation.plan(), i, i == 2 ? invitation : federation.invite()),
                  sites[i]),
        federation.log_of(i)));
  }
  CHECK(coordinator->wait() == 0);
  wait_all(workers);
  federation.verified();

  check_fixed(federation);
  check_other_contract(federation, here.path);
  const std::string model = (here.path / "model.safetensors").string();
  const Ran exported = run({program("gradmint"), "model", "export", "-o", model, "--ledger",
                            federation.ledger().string()});
  REQUIRE(exported.status == 0);
  const std::string output = (here.path / "predictions.csv").string();
  const Ran whole = predict({"--model", model, "--data", sites[1], "-o", output});
  CAPTURE(whole.errors);
  REQUIRE(whole.status == 0);
  CHECK(whole.output.find("labelled rows") != std::string::npos);
  const auto answers = lines_of(read_text(output));
  REQUIRE(answers.size() == rows.size());
  CHECK(answers[0] == "row,prediction,p(dead),p(ill)");
  for (const std::size_t row : {1U, 2U, 57U}) {
    const std::string one = file("one.csv", reordered({rows[0], rows[row]}, {1, 0, 2}));
    const Ran from_file = predict({"--model", model, "--data", one});
    REQUIRE(from_file.status == 0);
    check_same_answer(lines_of(from_file.output).at(1), answers[row]);
    const Ran from_ledger = predict({"--ledger", federation.ledger().string(), "--data", one});
    CHECK(from_ledger.output == from_file.output);
  }
}
