// --config of gradmint-worker: whatever the file says, options or one line.
#include <doctest/doctest.h>
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/text_mutations.h"
#include "worker/cli/arguments.h"

using namespace gradmint;
namespace fs = std::filesystem;

namespace {

struct Program {
  Program() {
    std::string pattern = (fs::temp_directory_path() / "gradmint-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    folder = pattern;
    CLI::App* command = app.add_subcommand("train");
    command->add_option("--data", data);
    command->add_option("--alpha", alpha);
    command->add_option("--config", config);
    command->add_flag("--quiet", quiet);
  }
  ~Program() { fs::remove_all(folder); }
  Result<std::vector<std::string>> merge(const std::string& text,
                                         std::vector<std::string> more = {}) const {
    std::ofstream(file(), std::ios::binary) << text;
    std::vector<std::string> words{"train", "--config", file().string()};
    words.insert(words.end(), more.begin(), more.end());
    return with_config(app, words);
  }
  fs::path file() const { return folder / "worker.toml"; }

  CLI::App app;
  fs::path folder;
  std::string data, config;
  double alpha = 0;
  bool quiet = false;
};

}  // namespace

TEST_CASE("options of the file stand before those of the command line") {
  const Program program;
  const auto merged =
      program.merge("data = 'csv:a'\nalpha = 0.1\nquiet = true\n", {"--alpha", "3"});
  REQUIRE(merged.ok());
  CHECK(*merged == std::vector<std::string>{"train", "--data=csv:a", "--quiet=true", "--config",
                                            program.file().string(), "--alpha", "3"});
}

TEST_CASE("what the file cannot say is refused by its line") {
  const Program program;
  struct Row {
    const char* text;
    const char* fault;
  };
  const Row rows[] = {
      {"alpha = 1\n[\n", ":2: is no TOML: a table is [name], a value is name = value"},
      {"[train]\nalpha = 1\n", ":1: 'train' is a table and no option of train"},
      {"aplha = 1\n", ":1: 'aplha' is no option of train"},
      {"config = 'x'\n", ":1: 'config' is no option of train"},
      {"data = ['a', 'b']\n", ":1: 'data' is not text, a number or true/false"},
      {"data = ['a']\n", ":1: 'data' is not text, a number or true/false"},
      {"alpha = 1\ndata = 1979-05-27\n", ":2: 'data' is not text, a number or true/false"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto merged = program.merge(row.text);
    REQUIRE_FALSE(merged.ok());
    CHECK(merged.error().code == ErrorCode::bad_input);
    CHECK(merged.error().message == program.file().string() + row.fault);
  }
}

TEST_CASE("whatever the file says, it is options or one line") {
  const Program program;
  for (const std::string& changed : test::text_mutations("data = \"csv:a\"\nalpha = 0.5\n")) {
    const auto merged = program.merge(changed);
    if (merged.ok()) continue;
    CAPTURE(changed);
    REQUIRE(merged.error().message.find('\n') == std::string::npos);
  }
}
