// What backup makes of its directory's name, and of a home that changes while it is copied.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "coordinator/server/backup.h"
#include "ledger/durable_file.h"
#include "tests/coordinator/orderer_place.h"

using namespace gradmint;
using namespace gradmint::test;
namespace fs = std::filesystem;

namespace {

struct HomePlace : OrdererPlace {
  HomePlace() {
    const std::string text = "x";
    for (const fs::path& file : {home.validator_key(), home.config()})
      REQUIRE(replace_file(file, as_bytes(text)).ok());
    for (const fs::path& each : {home.checkpoints(), home.blobs()}) fs::create_directories(each);
  }
  Home home{root};
  TemporaryDirectory other;
};

std::size_t entries(const fs::path& directory) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("a backup has the name that it was given, or leaves nothing") {
  const HomePlace place;
  const fs::path folder = place.other.path();
  CHECK(back_up(place.home, folder / "slash" / "").ok());
  CHECK(fs::exists(folder / "slash" / "keys"));
  CHECK(entries(folder) == 1);
  fs::create_symlink("/nonexistent/place", folder / "link");
  for (const fs::path& bad : {fs::path(), folder / "slash", folder / "slash" / "", folder / "link",
                              place.home.root / "inside", place.home.root / "inside" / ""}) {
    const auto made = back_up(place.home, bad);
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().code == ErrorCode::bad_input);
  }
  CHECK(entries(folder) == 2);
  fs::create_directories(folder / "mine.unfinished" / "kept");
  const auto made = back_up(place.home, folder / "mine");
  REQUIRE_FALSE(made.ok());
  CHECK(made.error().message.find("mine.unfinished is there") != std::string::npos);
  CHECK(fs::exists(folder / "mine.unfinished" / "kept"));
  CHECK_FALSE(fs::exists(".unfinished"));
}

TEST_CASE("a backup's folders are open to whom the home's are") {
  const HomePlace place;
  const std::pair<fs::path, fs::perms> modes[] = {{"keys", fs::perms(0700)},
                                                  {"ledger", fs::perms(0755)},
                                                  {"ledger/blobs", fs::perms(0710)},
                                                  {"", fs::perms(0751)}};
  for (const auto& [folder, mode] : modes) fs::permissions(place.home.root / folder, mode);
  const fs::path to = place.other.path() / "backup";
  REQUIRE(back_up(place.home, to).ok());
  for (const auto& each : modes) {
    CAPTURE(each.first.string());
    CHECK(fs::status(to / each.first).permissions() == each.second);
  }
}

TEST_CASE("a backup that has no room names the place that is full, and leaves nothing") {
  HomePlace place;
  const std::string model(1 << 16, 'x');
  REQUIRE(replace_file(place.home.blobs() / "large", as_bytes(model)).ok());
  rlimit before{}, small{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  small = before;
  small.rlim_cur = 1 << 15;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const fs::path to = place.other.path() / "backup";
  const auto made = back_up(place.home, to);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);
  REQUIRE_FALSE(made.ok());
  CAPTURE(made.error().message);
  CHECK(made.error().message.find((to.string() + ".unfinished/ledger/blobs/large").c_str()) !=
        std::string::npos);
  CHECK(entries(place.other.path()) == 0);
}

TEST_CASE("a checkpoint that goes while it is copied is no fault of the backup") {
  const HomePlace place;
  const fs::path checkpoints = place.home.checkpoints(), to = place.other.path() / "backup";
  std::atomic<bool> done = false;
  std::thread trainer([&] {
    for (int round = 0; !done; ++round) {
      std::error_code ignored;
      std::ofstream(checkpoints / std::to_string(round)) << "model";
      fs::remove(checkpoints / std::to_string(round - 3), ignored);
    }
  });
  for (int i = 0; i < 30; ++i) {
    const auto made = back_up(place.home, to);
    CHECK_MESSAGE(made.ok(), (made.ok() ? "" : made.error().message));
    fs::remove_all(to);
  }
  done = true;
  trainer.join();
}
