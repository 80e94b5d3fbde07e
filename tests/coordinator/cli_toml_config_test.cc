#include <doctest/doctest.h>

#include <cctype>
#include <fstream>
#include <sstream>

#include "coordinator/config/toml_config.h"
#include "kernels/base/nearest.h"
#include "tests/support/paths.h"
#include "tests/support/text_mutations.h"

using gradmint::nearest_name;
using gradmint::TomlConfig;
using gradmint::TomlValue;

namespace {

struct Settings {
  std::string name = "default";
  std::string enrolment = "invitation";
  std::vector<std::string> allowed;
  std::filesystem::path initial;
  std::uint32_t rounds = 12;
  double rate = 0.1;
  bool exit = false;
  std::map<std::string, TomlValue> parameters;
};

// The fault line, or "" when the text was accepted into `out`.
std::string read(std::string_view text, Settings& out) {
  auto file = TomlConfig::parse(text, "f.toml", "/conf");
  if (!file) return file.error().message;
  file->text("chain.name", out.name);
  file->choice("chain.enrolment", out.enrolment, {"invitation", "open", "allow_list"});
  file->texts("chain.allowed", out.allowed);
  file->path("task.initial", out.initial);
  file->integer("rounds.count", out.rounds, 1, 1000);
  file->number("training.learning_rate", out.rate, 0.0);
  file->boolean("run.exit", out.exit);
  file->values("aggregation.parameters", out.parameters);
  const auto status = file->finish();
  return status.ok() ? "" : status.error().message;
}

}  // namespace

TEST_CASE("toml_config reads every kind and keeps defaults for what is absent") {
  Settings settings;
  REQUIRE(read("[chain]\nname='a'\nenrolment='open'\nallowed=['x','y']\n[task]\ninitial='m.st'\n"
               "[rounds]\ncount=3\n[training]\nlearning_rate=1\n[run]\nexit=true\n"
               "[aggregation.parameters]\nkeep=2\nrate=0.5\nhow='fast'\n",
               settings) == "");
  CHECK(settings.name == "a");
  CHECK(settings.enrolment == "open");
  CHECK(settings.allowed == std::vector<std::string>{"x", "y"});
  CHECK(settings.initial == "/conf/m.st");
  CHECK(settings.rounds == 3);
  CHECK(settings.rate == 1.0);
  CHECK(settings.exit);
  CHECK(settings.parameters == std::map<std::string, TomlValue>{{"how", std::string("fast")},
                                                                {"keep", std::int64_t{2}},
                                                                {"rate", 0.5}});
  Settings defaults;
  REQUIRE(read("", defaults) == "");
  CHECK(defaults.name == "default");
  CHECK(defaults.rounds == 12);
  Settings absolute;
  REQUIRE(read("[task]\ninitial='/m.st'", absolute) == "");
  CHECK(absolute.initial == "/m.st");
}

TEST_CASE("toml_config refuses by name and line") {
  struct Row {
    const char* text;
    const char* fault;
  };
  const Row rows[] = {
      {"[rounds]\ncuont = 3\n",
       "f.toml:2: unknown key 'rounds.cuont'; did you mean 'rounds.count'?"},
      {"colour = 1\n", "f.toml:1: unknown key 'colour'; remove it"},
      {"[runs]\n", "f.toml:1: unknown key 'runs'; remove it"},
      {"[run]\nexit = true\n[run.more]\nx = 1\n", "f.toml:3: unknown key 'run.more'; remove it"},
      {"[rounds]\ncount = 0\n",
       "f.toml:2: 'rounds.count' must be a whole number from 1 to 1000, not '0'"},
      {"[rounds]\ncount = 3.5\n",
       "f.toml:2: 'rounds.count' must be a whole number from 1 to 1000, not '3.5'"},
      {"[rounds]\ncount = 'three'\n",
       "f.toml:2: 'rounds.count' must be a whole number from 1 to 1000, not 'three'"},
      {"[rounds.count]\nx = 1\n", "f.toml:1: 'rounds.count' is one value, not a table"},
      {"[chain]\nname = 7\n", "f.toml:2: 'chain.name' must be text in quotes, not '7'"},
      {"[chain]\nname = ['a']\n", "f.toml:2: 'chain.name' must be one value, not an array"},
      {"[chain]\nname = 1979-05-27\n",
       "f.toml:2: 'chain.name' must be one value, not a date or time"},
      {"[chain]\nenrolment = 'closed'\n",
       "f.toml:2: 'chain.enrolment' must be one of invitation, open, allow_list, not 'closed'"},
      {"[chain]\nallowed = 'x'\n",
       "f.toml:2: 'chain.allowed' must be an array of texts in quotes, not 'x'"},
      {"[chain]\nallowed = ['x', 2]\n",
       "f.toml:2: 'chain.allowed' must be an array of texts in quotes, not an array"},
      {"[training]\nlearning_rate = nan\n",
       "f.toml:2: 'training.learning_rate' must be a finite number of at least 0, not 'nan'"},
      {"[training]\nlearning_rate = -1\n",
       "f.toml:2: 'training.learning_rate' must be a finite number of at least 0, not '-1'"},
      {"[run]\nexit = 1\n", "f.toml:2: 'run.exit' must be true or false, not '1'"},
      {"[aggregation]\nparameters = 3\n",
       "f.toml:2: 'aggregation.parameters' must be a table of name = value, not '3'"},
      {"[run]\nexit = 1\n[chain]\nnmae = 'x'\n",
       "f.toml:2: 'run.exit' must be true or false, not '1'"},
  };
  for (const Row& row : rows) {
    Settings settings;
    CAPTURE(row.text);
    CHECK(read(row.text, settings) == row.fault);
  }
  Settings settings;
  CHECK(read("[chain\n", settings).rfind("f.toml:1: ", 0) == 0);
  CHECK(read("[chain]\nname = 'a'\nname = 'b'\n", settings).rfind("f.toml:3: ", 0) == 0);
}

TEST_CASE("toml_config names a missing file") {
  const auto missing = TomlConfig::load("/nonexistent/x.toml");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().code == gradmint::ErrorCode::not_found);
  CHECK(missing.error().message ==
        "configuration /nonexistent/x.toml: no such file; give --config an existing one");
}

TEST_CASE("nearest_name helps with slips only") {
  CHECK(nearest_name("cuont", {"count", "name"}) == "count");
  CHECK(nearest_name("elephant", {"count", "name"}) == "");
}

TEST_CASE("a line that is no TOML is refused by its number, wherever it stands") {
  const auto fault_of = [](const std::string& text) {
    const auto file = TomlConfig::parse(text, "f.toml");
    return file.ok() ? std::string() : file.error().message;
  };
  const std::string alone = ": is no TOML: a table is [name], a value is name = value";
  CHECK(fault_of("[\n") == "f.toml:1" + alone);
  CHECK(fault_of("[ \n") == "f.toml:1" + alone);
  CHECK(fault_of("[\nx = 1\n") == "f.toml:1" + alone);
  CHECK(fault_of("[a]\nb = 1\n[\nc = 2\n") == "f.toml:3" + alone);
  CHECK(fault_of("[a]\nb = 1\n\n\n[\n[[\n[") == "f.toml:5" + alone);
  // Tables within tables without an end: freed by recursion.
  std::string deep = "a";
  for (int i = 0; i < 400'000; ++i) deep += ".a";
  CHECK(fault_of("# a comment\n" + deep + " = 1\n") == "f.toml:2: more than 256 dots in one line");
  CHECK(fault_of("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t = 1\n") ==
        "f.toml:1: tables within tables, deeper than settings go");
  CHECK(fault_of("# " + std::string(300, '.') + "\na = 1\n") == "");
}

TEST_CASE("characters that are not ASCII stand in quotes and comments alone") {
  const auto fault_of = [](const std::string& text) {
    const auto file = TomlConfig::parse(text, "f.toml");
    return file.ok() ? std::string() : file.error().message;
  };
  struct Case {
    std::string text, line;
  };
  // toml++ asks of each such character whether it is white space (found by fuzzing).
  for (const Case& each :
       {Case{"\xcd\xa7", "1"}, Case{"a = 1\ncaf\xc3\xa9 = 1\n", "2"},
        Case{"a = \"x\"\xc3\xa9\n", "1"}, Case{"a = '\\'\xc3\xa9\n", "1"},
        Case{"a = \"\"\"x\"\"\"\"\"\xc3\xa9\n", "1"}, Case{"#\npr=-[\"u=1ion\xef\xb9\xbf", "2"},
        Case{"a = -\"\xe3\x81\x82\"\n", "1"}}) {
    CAPTURE(each.text);
    const std::string fault = fault_of(each.text);
    CHECK(fault.starts_with("f.toml:" + each.line + ": "));
  }
  CHECK(fault_of("a = \"\n\xc3\xa9") != "");
  for (const char* good :
       {"a = \"caf\xc3\xa9\"\n", "# caf\xc3\xa9\na = 1\n", "a = 'caf\xc3\xa9' # caf\xc3\xa9",
        "a = \"\\\"caf\xc3\xa9\"\n", "a = \"\"\"x\ncaf\xc3\xa9\"\"\"\"\"\n",
        "a = '''caf\xc3\xa9'''\n", "\"caf\xc3\xa9\" = 1\n",
        "\xef\xbb\xbf"
        "a = 1\n"}) {
    CAPTURE(good);
    CHECK(fault_of(good) == "");
  }
}

TEST_CASE("whatever a settings file says, it is read or refused in one line") {
  std::ifstream in(std::filesystem::path(GRADMINT_SOURCE_DIR) / "docs/examples/federation.toml");
  std::stringstream federation;
  federation << in.rdbuf();
  REQUIRE(federation.str().size() > 100);
  const std::string worker = "data = \"csv:a.csv\"\nhidden = 16\nalpha = 0.5\nquiet = true\n";
  const std::string aggregate = "[aggregate]\nrule = 'mean'\ninputs = ['a.st', 'b.st']\n";
  for (const std::string& text : {federation.str(), worker, aggregate}) {
    for (const std::string& changed : gradmint::test::text_mutations(text)) {
      const auto file = TomlConfig::parse(changed, "f.toml");
      if (file.ok()) continue;
      CAPTURE(changed);
      const std::string& fault = file.error().message;
      REQUIRE(fault.rfind("f.toml:", 0) == 0);
      for (const char c : fault) REQUIRE(std::iscntrl(static_cast<unsigned char>(c)) == 0);
    }
  }
}

TEST_CASE("a settings file without an end is not read to it") {
  const auto endless = TomlConfig::load("/dev/zero");
  REQUIRE_FALSE(endless.ok());
  CHECK(endless.error().message ==
        "configuration: '/dev/zero' is a device, not a regular file: put the file itself there");
  CHECK_FALSE(TomlConfig::load("/tmp").ok());
}
