// The program as a user meets it: exit statuses and one-line faults of command lines that cannot
// work, on a copy without siblings.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "gradmint_test_paths.h"

namespace {

namespace fs = std::filesystem;

// A directory with gradmint alone in it.
struct Lonely {
  fs::path path;
  Lonely() {
    std::string pattern = (fs::temp_directory_path() / "gradmint-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path = pattern;
    fs::copy_file(fs::path(GRADMINT_BIN_DIR) / "gradmint", path / "gradmint");
  }
  ~Lonely() { fs::remove_all(path); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path / name) << text;
    fs::permissions(path / name, fs::perms::owner_read | fs::perms::owner_write);
  }
};

struct Ran {
  int status = -1;
  std::string output;  // both streams
};

Ran run(const Lonely& where, const std::string& arguments) {
  const std::string command =
      "cd '" + where.path.string() + "' && PATH=/nonexistent ./gradmint " + arguments + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  Ran ran;
  char buffer[4096];
  for (std::size_t got; (got = fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    ran.output.append(buffer, got);
  const int ended = pclose(pipe);
  ran.status = WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
  return ran;
}

}  // namespace

TEST_CASE("command lines that cannot work: one line, the right status") {
  const Lonely here;
  here.write("slip.toml", "[dev]\nworkers = 3\nruonds = 2\n");
  here.write("zero.toml", "[dev]\nworkers = 0\n");
  here.write("broken.toml", "[dev\n");
  here.write("bracket.toml", "[dev]\n[\nworkers = 3\n");
  here.write("key.json", "{}");
  here.write("pass", "secret\n");
  fs::create_directories(here.path / "full");
  here.write("full/file", "x");
  struct Row {
    const char* arguments;
    const char* contains;
    int status;
  };
  const Row rows[] = {
      {"", "A subcommand is required", 2},
      {"audti", "there is no command 'audti'; did you mean 'audit'?", 2},
      {"--nope", "there is no option '--nope'; see gradmint --help", 2},
      {"audit verify --ledger x --nope 1 --more", "there is no option '--nope'; see", 2},
      {"audit verify --ledger x y z", "'y' was not expected; see gradmint audit verify", 2},
      {"aggregate x", "gradmint-aggregate is not installed", 2},
      {"coordinator run", "gradmint-coordinator is not installed", 2},
      {"--log-level debug worker join x", "gradmint-worker is not installed", 2},
      {"dev", "gradmint-coordinator is not installed", 2},
      {"dev --workers 0", "--workers 0: a federation needs at least one worker", 2},
      {"dev --workers five", "--workers", 2},
      {"dev --adversary 9:nan", "workers count from 1 to 5", 2},
      {"dev --adversary 1:evil", "no adversary is called 'evil'", 2},
      {"dev --data csv:missing.csv", "there is no such file", 2},
      {"dev --model missing.pt", "there is no such file", 2},
      {"dev --frobnicate", "--frobnicate", 2},
      {"dev --config slip.toml",
       "slip.toml:3: unknown key 'dev.ruonds'; did you mean 'dev.rounds'?", 2},
      {"--config zero.toml dev", "--workers 0", 2},
      {"dev --config broken.toml", "broken.toml:1: ", 2},
      {"dev --config bracket.toml", "bracket.toml:2: is no TOML", 2},
      {"dev --config missing.toml", "missing.toml", 2},
      {"keys show missing.json --passphrase-file pass", "missing.json", 2},
      {"keys show key.json --passphrase-file pass", "key.json", 2},
      {"keys new key.json --passphrase-file pass", "a key is never overwritten", 2},
      {"keys new k2.json --passphrase-file missing", "missing", 2},
      {"wallet balance", "give --ledger DIR", 2},
      {"wallet balance --ledger missing", "there is no such directory", 2},
      {"wallet balance --home full", "neither a worker's nor a coordinator's home", 2},
      {"wallet transfer x 1 --home full", "'x' is no address", 2},
      {"model list --ledger missing", "there is no such directory", 2},
      {"model export --ledger missing -o x", "there is no such directory", 2},
      {"model export --ledger missing", "--output", 2},
      {"model export --ledger full --round -1 -o x", "--round: '-1' is no whole number", 2},
      {"audit verify --ledger full", "name a coordinator's HOME/ledger", 2},
      {"audit verify --ledger full --from-height -1", "--from-height: '-1' is no whole number", 2},
  };
  for (const Row& row : rows) {
    const Ran ran = run(here, row.arguments);
    CAPTURE(row.arguments);
    CAPTURE(ran.output);
    CHECK(ran.status == row.status);
    CHECK(ran.output.find(row.contains) != std::string::npos);
    CHECK(std::count(ran.output.begin(), ran.output.end(), '\n') == 1);
  }
}

TEST_CASE("every command's help has an example") {
  const Lonely here;
  for (const char* command :
       {"", "dev", "keys", "keys new", "keys show", "keys change-passphrase", "wallet",
        "wallet balance", "wallet transfer", "model", "model list", "model export"}) {
    const Ran ran = run(here, std::string(command) + " --help");
    CAPTURE(command);
    CHECK(ran.status == 0);
    CHECK(ran.output.find("xample") != std::string::npos);
  }
  const Ran version = run(here, "--version");
  CHECK(version.status == 0);
  for (const char* part : {"revision", "backends: cpu", "libzmq", "LevelDB", "OpenSSL"})
    CHECK(version.output.find(part) != std::string::npos);
}

TEST_CASE("a key is made, shown, and its passphrase changed") {
  const Lonely here;
  here.write("one", "first\n");
  here.write("two", "second\n");
  const Ran made = run(here, "keys new k/key.json --passphrase-file one --scrypt-log2-n 10");
  REQUIRE(made.status == 0);
  CHECK(made.output.find("address     gm1") == 0);
  CHECK(run(here, "keys show k/key.json --passphrase-file one").output == made.output);
  CHECK(run(here, "keys show k/key.json --passphrase-file two").status != 0);
  CHECK(
      run(here, "keys change-passphrase k/key.json --passphrase-file one --new-passphrase-file two")
          .status == 0);
  CHECK(run(here, "keys show k/key.json --passphrase-file two").output == made.output);
  CHECK(run(here, "keys show k/key.json --passphrase-file one").status != 0);
}

TEST_CASE("dev refuses a home that is not empty and changes nothing in it") {
  const Lonely here;
  for (const char* name : {"gradmint-coordinator", "gradmint-worker"}) {
    here.write(name, "#!/bin/sh\nexit 1\n");
    fs::permissions(here.path / name, fs::perms::owner_all);
  }
  fs::create_directories(here.path / "full");
  here.write("full/file", "x");
  const Ran refused = run(here, "dev --home full");
  CHECK(refused.status == 2);
  CHECK(refused.output.find("is not empty") != std::string::npos);
  CHECK(std::distance(fs::directory_iterator(here.path / "full"), fs::directory_iterator()) == 1);
  // Programs that fail: the run says which, and where its log is.
  const Ran failed = run(here, "dev --workers 2 --home new --report report.json");
  CHECK(failed.status == 2);
  CAPTURE(failed.output);
  CHECK(failed.output.find("init-model exited with status 1; its log is ") != std::string::npos);
  CHECK(fs::exists(here.path / "report.json"));
  CHECK(run(here, "dev --home new").status == 2);
}
