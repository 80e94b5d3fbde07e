#include "coordinator/server/settings.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gradmint_test_paths.h"
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
  };
  for (const auto& [settings_text, named] : refused) {
    const std::string text = settings_text;  // clang 14 captures no binding
    CAPTURE(text);
    const auto settings = with(text);
    REQUIRE_FALSE(settings.ok());
    CHECK(settings.error().message.find(named) != std::string::npos);
  }
}
