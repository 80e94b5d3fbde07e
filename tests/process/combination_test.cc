// Rules by name through a whole federation: `gradmint dev` runs them, what the ledger says of them
// can be read, and the audit recomputes them on other instruction sets.
#include <doctest/doctest.h>

#include "kernels/cpu_level.h"
#include "ledger/json_text.h"
#include "tests/process/federation.h"

using namespace gradmint;
using namespace gradmint::test;
namespace fs = std::filesystem;

namespace {

struct Combination {
  std::string aggregator, optimizer;
  std::vector<std::string> pre;
  Words parameters;   // as options
  std::string shown;  // of the aggregator's parameters in `audit show round`
};

Words dev_words(const Combination& c, const std::string& data, const fs::path& home) {
  Words words = {program("gradmint"),
                 "dev",
                 "--workers",
                 "3",
                 "--rounds",
                 "2",
                 "--data",
                 data,
                 "--home",
                 home.string(),
                 "--optimizer",
                 c.optimizer,
                 "--aggregator",
                 c.aggregator};
  for (const std::string& pre : c.pre) {
    words.push_back("--pre");
    words.push_back(pre);
  }
  words.insert(words.end(), c.parameters.begin(), c.parameters.end());
  return words;
}

}  // namespace

TEST_CASE("combinations of rules run, are shown by name, and recompute on every CPU level") {
  const auto data = data_or_skip();
  if (!data) return;
  const Combination combinations[] = {
      {"multi_krum",
       "adam:beta2=0.95",
       {"nnm"},
       {"--f", "1", "--convention", "byzfl", "--lr", "0.02"},
       R"({"f":1,"m":0,"convention":"byzfl"})"},
      {"trimmed_mean",
       "yogi",
       {"clip", "arc"},
       {"--tau", "1.5", "--f", "1", "--lr", "0.02"},
       R"({"f":1,"beta":0.0})"},
      {"geometric_median",
       "momentum",
       {},
       {"--scale", "absolute", "--nu", "0.5", "--steps", "3", "--encoding", "int8"},
       R"({"nu":0.5,"scale":"absolute","steps":3})"},
      {"krum",
       "nesterov",
       {},
       {"--f", "0", "--encoding", "bf16"},
       R"({"f":0,"convention":"paper"})"},
      {"mda", "adagrad", {}, {"--f", "1", "--lr", "0.02", "--encoding", "fp16"}, R"({"f":1})"},
      {"bulyan",
       "plain",
       {},
       {"--f", "0", "--encoding", "int4"},
       R"({"f":0,"convention":"iterative"})"},
      {"centered_clipping",
       "plain",
       {"arc", "nnm"},
       {"--f", "1", "--tau", "1.5", "--encoding", "top_k", "--keep", "512"},
       R"({"tau":1.5,"steps":1})"},
  };
  for (const Combination& each : combinations) {
    CAPTURE(each.aggregator);
    const Directory here;
    const fs::path home = here.path / "dev";
    const Ran ran = run(dev_words(each, *data, home), {}, 2 * kPatienceS);
    CAPTURE(ran.output);
    CAPTURE(ran.errors);
    REQUIRE(ran.status == 0);
    const std::string ledger = (home / "coordinator" / "ledger").string();
    const Ran shown = run({program("gradmint"), "audit", "show", "round", "2", "--format", "json",
                           "--ledger", ledger});
    const auto round = nlohmann::ordered_json::parse(shown.output);
    CHECK(json_text(round["open"]["aggregation"]["aggregator"]["parameters"]) == each.shown);
    std::uint64_t coefficients = 0;
    for (const auto& entry : round["result"]["entries"]) {
      coefficients += entry["coefficient"].get<std::uint64_t>();
    }
    CHECK(coefficients > 0);
    for (const kernels::CpuLevel level : kernels::supported_cpu_levels()) {
      const std::string name(kernels::name_of(level));
      CAPTURE(name);
      Setting setting;
      setting.environment["GRADMINT_CPU"] = name;
      const Ran verified =
          run({program("gradmint"), "audit", "verify", "--recompute", "--ledger", ledger}, setting);
      CAPTURE(verified.errors);
      CHECK(verified.status == 0);
    }
  }
}

TEST_CASE("a run does not go on with another optimizer's state") {
  const auto data = data_or_skip();
  if (!data) return;
  FederationOptions options;
  options.rounds = 1;
  options.workers = 2;
  const Federation federation(*data, options);
  const fs::path config = federation.home() / "config.toml";
  const std::string text = read_text(config);
  const std::string plain = "\"plain:lr=1\"";
  REQUIRE(text.find(plain) != std::string::npos);
  const auto with_optimizer = [&](const std::string& optimizer) {
    std::string changed = text;
    changed.replace(text.find(plain), plain.size(), "'" + optimizer + "'");
    write_text(config, changed);
    return federation.coordinator();
  };
  {
    auto coordinator = with_optimizer("adam:lr=0.02");
    coordinator->await("started");
    auto workers = federation.all_workers();
    CHECK(coordinator->wait() == 0);
    wait_all(workers);
  }
  for (const std::string other : {"yogi", "plain", "momentum"}) {
    const auto refused = with_optimizer(other);
    CHECK(refused->wait() == 2);
    CHECK(refused->errors().find("aggregation.optimizer = '" + other +
                                 "': the ledger goes on from the state of 'adam'") !=
          std::string::npos);
  }
  CHECK(with_optimizer("adam:lr=0.01")->wait() == 0);  // its parameters may change
}

TEST_CASE("rules that these workers can never satisfy fail by name, without a stall") {
  const auto data = data_or_skip();
  if (!data) return;
  const Directory here;
  const Ran ran =
      run({program("gradmint"), "dev", "--workers", "1", "--rounds", "1", "--data", *data, "--home",
           (here.path / "dev").string(), "--optimizer", "adam:lr=3e38,beta2=1,eps=1e-38"},
          {}, 2 * kPatienceS);
  CAPTURE(ran.output);
  CAPTURE(ran.errors);
  CHECK(ran.status == 1);
  CHECK(ran.errors.find("non_finite_result") != std::string::npos);
}
