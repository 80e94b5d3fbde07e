// A copy of a ledger, or a file that a command is given, in which something else lies where a file
// should be: one line and an exit status, never a wait, and no file is read for its size's sake.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <functional>

#include "kernels/base/sanitizers.h"
#include "ledger/blobs.h"
#include "tests/ledger/program_run.h"
#include "tests/ledger/stored_world.h"

using namespace gradmint;
using namespace gradmint::test;
namespace fs = std::filesystem;

namespace {

struct Thing {
  const char* what;
  std::function<void(const fs::path&)> put;
};

// Holes only: no disk holds so much.
void make_sparse(const fs::path& file, std::uint64_t bytes) {
  std::ofstream(file, std::ios::binary).put('\0');
  fs::resize_file(file, bytes);
}

const Thing kThings[] = {
    {"pipe", [](const fs::path& at) { REQUIRE(::mkfifo(at.c_str(), 0600) == 0); }},
    {"directory", [](const fs::path& at) { fs::create_directory(at); }},
    {"link to a device", [](const fs::path& at) { fs::create_symlink("/dev/zero", at); }},
    {"link to a pipe",
     [](const fs::path& at) {
       fs::path pipe = at;
       pipe += ".pipe";
       ::mkfifo(pipe.c_str(), 0600);
       fs::create_symlink(pipe, at);
     }},
    {"socket",
     [](const fs::path& at) {
       const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
       sockaddr_un name{};
       name.sun_family = AF_UNIX;
       REQUIRE(at.string().size() < sizeof name.sun_path);
       std::ranges::copy(at.string(), name.sun_path);
       REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
       ::close(fd);
     }},
    {"200 GB of nothing", [](const fs::path& at) { make_sparse(at, 200'000'000'000); }},
};

struct Copy {
  TemporaryDirectory folder;
  World world;
  Copy() {
    world.enrol();
    world.run_round();
    store_world(world, path());
  }
  fs::path path() const { return folder.path() / "ledger"; }
};

std::vector<fs::path> files_below(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && name != "LOCK" && !name.starts_with("LOG"))
      files.push_back(entry.path());
  }
  return files;
}

// A fault on standard output, or one line that says why nothing could be done.
void check_told(const ProgramRun& ran) {
  CAPTURE(ran.status);
  CAPTURE(ran.output);
  CAPTURE(ran.errors);
  CHECK((ran.status == 1 || ran.status == 2));
  const bool fault = ran.output.find("FAULT") != std::string::npos;
  CHECK((fault || std::count(ran.errors.begin(), ran.errors.end(), '\n') == 1));
}

}  // namespace

TEST_CASE("hostile copy: whatever lies in a file's place, the audit ends") {
  const Copy copy;
  for (const fs::path& file : files_below(copy.path())) {
    const fs::path kept = copy.folder.path() / "kept";
    fs::rename(file, kept);
    for (const Thing& thing : kThings) {
      CAPTURE(file.filename().string());
      CAPTURE(thing.what);
      thing.put(file);
      check_told(run_program("gradmint",
                             {"audit", "verify", "--recompute", "--ledger", copy.path().string()}));
      fs::remove_all(file);
    }
    fs::rename(kept, file);
  }
  CHECK(
      run_program("gradmint", {"audit", "verify", "--recompute", "--ledger", copy.path().string()})
          .status == 0);
}

TEST_CASE("hostile copy: a model is exported from nothing but its own file") {
  const Copy copy;
  const std::string output = (copy.folder.path() / "model.safetensors").string();
  for (const fs::path& file : files_below(copy.path() / "blobs")) {
    const fs::path kept = copy.folder.path() / "kept";
    fs::rename(file, kept);
    for (const Thing& thing : kThings) {
      CAPTURE(file.filename().string());
      CAPTURE(thing.what);
      thing.put(file);
      const ProgramRun ran = run_program(
          "gradmint", {"model", "export", "-o", output, "--ledger", copy.path().string()});
      CAPTURE(ran.errors);
      CHECK((ran.status == 0 || (ran.status == 2 && !fs::exists(output))));
      fs::remove(output);
      fs::remove_all(file);
    }
    fs::rename(kept, file);
  }
}

TEST_CASE("hostile files: whatever a command is given, it ends") {
  const TemporaryDirectory folder;
  const std::string file = (folder.path() / "given").string();
  const std::string output = (folder.path() / "out.safetensors").string();
  const std::string home = (folder.path() / "home").string();
  const std::string passphrase = (folder.path() / "passphrase").string();
  std::ofstream(passphrase) << "correct horse\n";
  fs::permissions(passphrase, fs::perms::owner_read);
  struct Row {
    const char* program;
    std::vector<std::string> words;
  };
  const Row rows[] = {
    {"gradmint", {"--config", file, "audit", "verify", "--ledger", home}},
    {"gradmint", {"audit", "verify", "--ledger", file}},
    {"gradmint", {"model", "list", "--ledger", file}},
    {"gradmint", {"keys", "show", file, "--passphrase-file", passphrase}},
    {"gradmint", {"keys", "new", home, "--passphrase-file", file}},
#if !GRADMINT_ADDRESS_SANITIZER  // these take it minutes to compile, and read files by the same
                                 // functions
    {"gradmint-coordinator", {"init", "--home", home, "--config", file}},
    {"gradmint-aggregate", {"-o", output, file, file}},
    {"gradmint-aggregate", {"-o", output, "--model", file, file}},
    {"gradmint-aggregate", {"check", file}},
#endif
  };
  for (const Row& row : rows) {
    for (const Thing& thing : kThings) {
      CAPTURE(row.program);
      CAPTURE(row.words[0]);
      CAPTURE(row.words[1]);
      CAPTURE(thing.what);
      thing.put(file);
      const ProgramRun ran = run_program(row.program, row.words);
      CAPTURE(ran.output);
      CAPTURE(ran.errors);
      CHECK((ran.status == 1 || ran.status == 2));
      CHECK(std::count(ran.errors.begin(), ran.errors.end(), '\n') == 1);
      fs::remove_all(file);
      fs::remove_all(home);
    }
  }
}
