// A validator that is killed while it makes blocks, again and again: no height ever gets a second
// block. The validator is this program, started anew, as in store_crash_test.cc; it reports each
// block that it could have told others of.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <map>

#include "tests/coordinator/orderer_place.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

constexpr const char* kFolderVariable = "GRADMINT_TEST_VALIDATOR_FOLDER";
constexpr const char* kValidatorName = "validator: run by the tests of crashes";

struct Told {
  std::uint64_t height = 0;
  Hash hash;
};

int run_validator(const std::filesystem::path& root) {
  const World world;
  const auto orderer =
      open_orderer(root / "ledger", {root / "keys" / "signed", root / "keys" / "receipts"},
                   world.validator(), SoloOrdering::open);
  if (!orderer.ok()) return 1;
  // Other times than in any life before: a block made twice would be another one.
  std::uint64_t time_ms = 2'000'000'000'000 + static_cast<std::uint64_t>(::getpid()) * 1'000'000;
  for (;;) {
    if (!make_block(**orderer, time_ms++, true).ok()) return 1;
    const Told told{(*orderer)->chain().height(), (*orderer)->chain().tip_hash()};
    if (::write(STDOUT_FILENO, &told, sizeof told) != sizeof told) return 3;
  }
}

// Waits until the guard is replaced once more, which is just before the store gets the block.
void await_guard(int watch) {
  pollfd ready{watch, POLLIN, 0};
  REQUIRE(::poll(&ready, 1, 60'000) == 1);
}

struct Life {
  std::vector<Told> told;
  int status = 0;
};

// Killed after `blocks` of them, and then when the guard changes next if `at_guard`.
Life live(const std::filesystem::path& root, std::size_t blocks, bool at_guard) {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  ::setenv(kFolderVariable, root.c_str(), 1);
  const std::string chosen = std::string("--test-case=") + kValidatorName;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::execl("/proc/self/exe", "validator", chosen.c_str(), "--no-skip", "--minimal", nullptr);
    std::_Exit(2);
  }
  ::close(ends[1]);
  Life life;
  Told told;
  while (::read(ends[0], &told, sizeof told) == sizeof told) {
    life.told.push_back(told);
    if (life.told.size() != blocks) continue;
    if (at_guard) {
      const int watch = ::inotify_init1(IN_CLOEXEC);
      REQUIRE(::inotify_add_watch(watch, (root / "keys").c_str(), IN_MOVED_TO) >= 0);
      await_guard(watch);
      ::close(watch);
    }
    ::kill(child, SIGKILL);
  }
  ::close(ends[0]);
  REQUIRE(::waitpid(child, &life.status, 0) == child);
  ::unsetenv(kFolderVariable);
  return life;
}

}  // namespace

TEST_CASE("validator: run by the tests of crashes" * doctest::skip()) {
  const char* folder = std::getenv(kFolderVariable);
  if (folder == nullptr) return;  // asked for by hand: there is nothing to do
  std::_Exit(run_validator(folder));
}

TEST_CASE("crash: a validator killed while it signs gives no height a second block") {
  const OrdererPlace place;
  std::map<std::uint64_t, Hash> signed_at;
  const auto remember = [&](std::uint64_t height, const Hash& hash) {
    const auto [known, fresh] = signed_at.emplace(height, hash);
    CHECK((fresh || known->second == hash));
  };
  int between = 0;
  for (int i = 0; i < 24; ++i) {
    const Life life = live(place.root, 1 + static_cast<std::size_t>(i % 5), i % 2 == 0);
    REQUIRE(WIFSIGNALED(life.status));
    CHECK(WTERMSIG(life.status) == SIGKILL);
    for (const Told& told : life.told) remember(told.height, told.hash);
    const auto guard = place.guard().read();
    REQUIRE(guard.ok());
    remember(guard->height, guard->block_hash);
    {
      const auto reader = LedgerStore::open(place.ledger(), LedgerStore::Mode::read_only);
      REQUIRE(reader.ok());
      between += guard->height > (*reader)->tip()->height ? 1 : 0;
    }
    const auto orderer = place.open();
    for (const auto& [height, hash] : signed_at) {
      REQUIRE(height <= orderer->chain().height());
      CHECK(orderer->chain().history()[height] == hash);
    }
    for (const auto& entry : std::filesystem::directory_iterator(place.root / "keys")) {
      INFO(entry.path());  // at most one unfinished file, until its home is opened
      const std::string name = entry.path().filename().string();
      CHECK((name == "receipts" || name.starts_with("signed")));
    }
  }
  MESSAGE(between << " of 24 kills came between guard and ledger");
}
