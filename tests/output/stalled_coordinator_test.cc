// A coordinator whose standard output and standard error nobody reads any more.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "coordinator/protocol/admin_link.h"
#include "coordinator/server/init.h"
#include "ledger/model/safetensors.h"
#include "tests/process/process.h"

using namespace gradmint;
using namespace gradmint::test;
namespace fs = std::filesystem;

namespace {

constexpr int kPage = 4096;  // the smallest pipe
constexpr int kAskTimeoutMs = 20'000;

// Passed on to the coordinator as its standard error; open for reading and never read.
class StalledFifo {
 public:
  explicit StalledFifo(fs::path path) : path_(std::move(path)) {
    REQUIRE(::mkfifo(path_.c_str(), 0600) == 0);
    reader_ = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    REQUIRE(reader_ >= 0);
    REQUIRE(::fcntl(reader_, F_SETPIPE_SZ, kPage) > 0);
  }
  ~StalledFifo() { ::close(reader_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
  int reader_ = -1;
};

// A home with a model of three values, for workers of any kind.
void make_home(const fs::path& root) {
  const auto layout = ModelLayout::create({{"w", {3}, false}});
  REQUIRE(layout.ok());
  const std::vector<float> values = {1, 2, 3};
  const std::vector<std::uint8_t> model = write_safetensors(*layout, values);
  write_text(root / "model.safetensors", std::string(model.begin(), model.end()));
  write_text(root / "passphrase", "secret\n");
  fs::permissions(root / "passphrase", fs::perms::owner_read | fs::perms::owner_write);
  write_text(root / "config.toml",
             "[network]\njoin = \"tcp://127.0.0.1:0\"\nwork = \"tcp://127.0.0.1:0\"\n"
             "[task]\nmodel = \"external\"\ninitial = \"model.safetensors\"\n"
             "[evaluation]\nby = \"workers\"\n[keys]\nscrypt_log2_n = 10\n");
  const Ran made =
      run({program("gradmint-coordinator"), "init", "--home", (root / "home").string(), "--config",
           (root / "config.toml").string(), "--passphrase-file", (root / "passphrase").string()});
  CAPTURE(made.errors);
  REQUIRE(made.status == 0);
}

// Each of them is an event: `times` lines at least.
void pause_and_resume(AdminLink& admin, int times) {
  for (int i = 0; i < times; ++i) {
    const auto answer = admin.ask({{"op", i % 2 == 0 ? "pause" : "resume"}}, kAskTimeoutMs);
    CAPTURE(i);
    REQUIRE(answer.ok());
  }
}

std::uint64_t lines_of(const Process& process, const std::string& kind) {
  std::uint64_t lines = 0;
  for (const auto& event : process.events()) lines += event.value("event", "") == kind ? 1 : 0;
  return lines;
}

}  // namespace

TEST_CASE(
    "readers stand still: the coordinator answers, counts what they miss, and obeys SIGTERM") {
  const Directory here;
  make_home(here.path);
  const StalledFifo errors(here.path / "errors");
  const std::string home = (here.path / "home").string();
  Setting setting;
  setting.pipe_bytes = kPage;
  Process coordinator(
      {program("gradmint-coordinator"), "run", "--home", home, "--passphrase-file",
       (here.path / "passphrase").string(), "--events", "jsonl", "--log-level", "trace"},
      errors.path(), setting);
  coordinator.await("started");

  auto admin = AdminLink::open(home);
  REQUIRE(admin.ok());
  constexpr int kTimes = 20'000;  // what a queue of a MiB and a pipe of a page do not hold
  pause_and_resume(*admin, kTimes);
  const Ran status = run({program("gradmint-coordinator"), "status", "--home", home});
  CHECK(status.status == 0);
  CHECK(status.output.find("\"ok\": true") != std::string::npos);

  // The reader goes on, and hears how much it missed.
  const auto dropped = coordinator.await("dropped");
  const std::uint64_t missed = dropped["lines"];
  CHECK(missed > 0);
  CHECK(missed + lines_of(coordinator, "paused") + lines_of(coordinator, "resumed") >= kTimes);
  pause_and_resume(*admin, 2);
  coordinator.await("paused");
  coordinator.await("resumed");
  // What was kept is bounded on disk, and begins with the start.
  CHECK(read_text(here.path / "home" / "log" / "coordinator.log").find("started") !=
        std::string::npos);

  pause_and_resume(*admin, 1000);  // nobody reads
  coordinator.signal(SIGTERM);
  CHECK(coordinator.ends_unread());
  CHECK(coordinator.wait() == 0);
}
