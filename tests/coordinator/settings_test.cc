#include "coordinator/server/settings.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "coordinator/server/fixed_settings.h"
#include "gradmint_test_paths.h"
#include "ledger/keys.h"
#include "ledger/model/safetensors.h"
#include "tests/support/text_mutations.h"

using namespace gradmint;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "gradmint-settings-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  fs::path write(const std::string& name, const std::string& text) const {
    std::ofstream(path / name) << text;
    return path / name;
  }
};

}  // namespace

TEST_CASE("the example in docs is one that a coordinator takes") {
  const auto settings =
      load_settings(fs::path(GRADMINT_SOURCE_DIR) / "docs/examples/federation.toml");
  if (!settings) FAIL(settings.error().message);
  CHECK(settings->initial.filename() == "initial.safetensors");
  CHECK_FALSE(settings->evaluate_here);
}

TEST_CASE("a coordinator reads any settings, or refuses them in one line") {
  const Folder folder;
  std::ifstream in(fs::path(GRADMINT_SOURCE_DIR) / "docs/examples/federation.toml");
  const std::string example{std::istreambuf_iterator<char>(in), {}};
  std::size_t tried = 0, refused = 0;
  const auto mutations = test::text_mutations(example);
  constexpr std::size_t kStep = 11;  // toml_config_test tries all of them; these are files
  for (std::size_t i = 0; i < mutations.size(); i += kStep) {
    const std::string& changed = mutations[i];
    const auto settings = load_settings(folder.write("federation.toml", changed));
    ++tried;
    if (settings.ok()) continue;
    ++refused;
    CAPTURE(changed);
    REQUIRE_FALSE(settings.error().message.empty());
    REQUIRE(settings.error().message.find('\n') == std::string::npos);
  }
  CHECK(refused > tried / 4);
}

TEST_CASE("a rule of one's own is read by init alone: at a run the genesis has it") {
  const Folder folder;
  const fs::path file = folder.write("federation.toml",
                                     "[evaluation]\nby = \"workers\"\n[rewards]\n"
                                     "rule_file = \"mine.lua\"\nmanifest_file = \"mine.toml\"\n");
  auto settings = load_settings(file);
  if (!settings) FAIL(settings.error().message);
  CHECK_FALSE(read_rule_files(*settings).ok());
  folder.write("mine.lua", "the rule");
  folder.write("mine.toml", "its manifest");
  CHECK(read_rule_files(*settings).ok());
  CHECK(settings->rule_source == "the rule");
  CHECK(settings->rule_manifest == "its manifest");
}

TEST_CASE("a coordinator that is to evaluate is told what it needs for it") {
  const Folder folder;
  const auto settings = load_settings(folder.write("federation.toml", ""));
  REQUIRE_FALSE(settings.ok());
  CHECK(settings.error().message.find("evaluation.by = \"workers\"") != std::string::npos);
  // A misspelt key is named first: it is why the other is missing.
  const auto slip = load_settings(folder.write("slip.toml", "\n[evaluation]\ncomand = \"x\"\n"));
  REQUIRE_FALSE(slip.ok());
  CHECK(slip.error().message.find("slip.toml:3: unknown key 'evaluation.comand'") !=
        std::string::npos);
}

TEST_CASE("the encoding of updates is read by name") {
  const Folder folder;
  const auto with = [&](const std::string& training) {
    return load_settings(
        folder.write("federation.toml", "[evaluation]\nby = \"workers\"\n[training]\n" + training));
  };
  CHECK(with("")->encoding == kernels::Encoding{});
  CHECK(with("encoding = \"top_k:keep=9\"\n")->encoding ==
        kernels::Encoding{kernels::EncodingKind::top_k, 9});
  const auto wrong = with("encoding = \"int7\"\n");
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().message.find("training.encoding") != std::string::npos);
  CHECK(wrong.error().message.find("'int7' is unknown") != std::string::npos);
}

TEST_CASE("limits of the chain are read, and those that no chain may have are refused") {
  const Folder folder;
  const auto with = [&](const std::string& text) {
    return load_settings(
        folder.write("federation.toml", text + "[evaluation]\nby = \"workers\"\n"));
  };
  const ChainLimits preset;
  CHECK(with("")->chain_limits == preset);
  const auto given = with(
      "[limits]\ndatasets_per_worker = 2\nstatements_per_round = 3\nleast_new_balance = \"0.5\"\n"
      "registrations_per_round = 5\nrotation_delay_blocks = 6\n[rounds]\nsuspend_after = 7\n");
  if (!given) FAIL(given.error().message);
  CHECK(given->chain_limits == ChainLimits{2, 3, 500'000'000, 5, 7, 6});
  CHECK(with("[rounds]\nmin_workers = 300\n")->chain_limits.registrations_per_round == 300);

  const std::pair<std::string, std::string> refused[] = {
      {"[limits]\ndatasets_per_worker = 0\n", "limits.datasets_per_worker"},
      {"[limits]\nstatements_per_round = 65537\n", "limits.statements_per_round"},
      {"[limits]\nleast_new_balance = \"0\"\n", "limits.least_new_balance"},
      {"[limits]\nregistrations_per_round = 4096\n", "limits.registrations_per_round"},
      {"[limits]\nregistrations_per_round = 1\n", "rounds.min_workers"},
      {"[limits]\nrotation_delay_blocks = 0\n", "limits.rotation_delay_blocks"},
      {"[rounds]\nsuspend_after = 0\n", "rounds.suspend_after"},
      {"[rounds]\nstop_when = \"accuracy\"\n", "rounds.stop_when"},
      {"[rounds]\nbest_by = \"least mae\"\n", "rounds.best_by"},
  };
  for (const auto& [settings_text, named] : refused) {
    const std::string text = settings_text;  // clang 14 captures no binding
    CAPTURE(text);
    const auto settings = with(text);
    REQUIRE_FALSE(settings.ok());
    CHECK(settings.error().message.find(named) != std::string::npos);
  }
}

TEST_CASE("what the genesis fixed is named where the settings say something else") {
  const Folder folder;
  const std::string address = address_of(AccountId{});
  const auto load = [&](const std::string& text) {
    auto settings =
        load_settings(folder.write("config.toml", text + "\n[evaluation]\nby = \"workers\"\n"));
    REQUIRE_MESSAGE(settings.ok(), settings.error().message);
    return *std::move(settings);
  };
  const Settings as_made = load("");
  GenesisRecord genesis;
  genesis.name = as_made.name;
  genesis.enrolment = as_made.enrolment;
  genesis.emission = as_made.emission;
  genesis.rule_source = as_made.rule_source;
  genesis.rule_manifest = as_made.rule_manifest;
  genesis.limits = as_made.chain_limits;
  genesis.task.model = as_made.model;
  genesis.task.objective = "classification";
  const ModelLayout layout =
      *ModelLayout::create({{"w", {2}, false}, {"ema", {2}, true}, {"tail", {1}, false}});
  const auto model = write_safetensors(layout, std::vector<float>(5, 1.0F));
  folder.write("m.safetensors", std::string(model.begin(), model.end()));
  REQUIRE(check_fixed_settings(as_made, genesis, layout).ok());
  folder.write("r.lua", "function on_round_close(event) end");
  folder.write("r.toml", "name = \"none\"");
  struct Case {
    std::string text, says;
  };
  const Case cases[] = {
      {"[chain]\nname = \"x\"", "chain.name (the genesis has 'gradmint')"},
      {"[chain]\nenrolment = \"open\"", "chain.enrolment (the genesis has 'invitation')"},
      {"[chain]\nallowed = [\"" + address + "\"]", "chain.allowed (the genesis has 0 addresses)"},
      {"[task]\nmodel = \"cnn\"", "task.model (the genesis has 'mlp')"},
      {"[task]\nobjective = \"regression\"", "task.objective (the genesis has 'classification')"},
      {"[rewards]\ncap = \"100\"\ninitial_per_round = \"1\"",
       "rewards.initial_per_round (the "
       "genesis has 100); rewards.cap"},
      {"[rewards]\nhalving_rounds = 1001", "rewards.halving_rounds (the genesis has 1000)"},
      {"[rewards]\nrule_file = \"r.lua\"\nmanifest_file = \"r.toml\"",
       "rewards.rule_file (the genesis has another rule)"},
      {"[limits]\ndatasets_per_worker = 5", "limits.datasets_per_worker (the genesis has 64)"},
      {"[limits]\nstatements_per_round = 5", "limits.statements_per_round (the genesis has 256)"},
      {"[limits]\nregistrations_per_round = 5", "limits.registrations_per_round (the genesis"},
      {"[limits]\nrotation_delay_blocks = 5", "limits.rotation_delay_blocks (the genesis has 100)"},
      {"[limits]\nleast_new_balance = \"2\"", "limits.least_new_balance (the genesis has 1)"},
      {"[task]\nbuffers = [\"ta*\"]", "task.buffers (the genesis has other tensors as buffers"},
      {"[task]\ninitial = \"m.safetensors\"\nbuffers = [\"ta*\"]",
       "task.initial or task.buffers (the genesis has other tensors, or"},
      {"[rounds]\nsuspend_after = 4", "rounds.suspend_after (the genesis has 3)"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.text);
    const Status same = check_fixed_settings(load(each.text), genesis, layout);
    REQUIRE_FALSE(same.ok());
    CAPTURE(same.error().message);
    CHECK(same.error().code == ErrorCode::bad_input);
    CHECK(same.error().message.find("config.toml: differs from what the genesis fixed") !=
          std::string::npos);
    CHECK(same.error().message.find(each.says) != std::string::npos);
  }
  // What may change does.
  CHECK(
      check_fixed_settings(load("[rounds]\ncount = 99\nstall_deadline_ms = 5000"), genesis, layout)
          .ok());
  CHECK(check_fixed_settings(load("[task]\ninitial = \"m.safetensors\"\nbuffers = [\"em?\"]"),
                             genesis, layout)
            .ok());
}
