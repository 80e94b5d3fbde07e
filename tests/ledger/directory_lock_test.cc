// One writer for a directory, whatever is deleted in it, and nothing left of files that a killed
// process did not finish.
#include "ledger/directory_lock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger/durable_file.h"
#include "tests/ledger/store_fixture.h"

using namespace gradmint;
using namespace gradmint::test;
namespace fs = std::filesystem;

namespace {

void touch(const fs::path& file) { std::ofstream(file) << "x"; }

}  // namespace

TEST_CASE("a directory is locked once, whatever is done in it") {
  const TemporaryDirectory folder;
  const fs::path place = folder.path() / "home";
  CHECK(DirectoryLock::take(place, "busy").error().code == ErrorCode::not_found);
  fs::create_directory(place);
  touch(place / "lock");
  {
    const auto lock = DirectoryLock::take(place, "somebody is there");
    REQUIRE(lock.ok());
    fs::remove(place / "lock");
    const auto second = DirectoryLock::take(place, "somebody is there");
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().code == ErrorCode::busy);
    CHECK(second.error().message == "somebody is there");
    fs::rename(place, folder.path() / "renamed");
    CHECK_FALSE(DirectoryLock::take(folder.path() / "renamed", "").ok());
    fs::rename(folder.path() / "renamed", place);
  }
  CHECK(DirectoryLock::take(place, "").ok());
}

TEST_CASE("the lock of a killed process is free, and programs that it started do not hold it") {
  const TemporaryDirectory folder;
  int ready[2], exec[2];  // the second closes as the program is started
  REQUIRE(::pipe(ready) == 0);
  REQUIRE(::pipe2(exec, O_CLOEXEC) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto lock = DirectoryLock::take(folder.path(), "");
    const pid_t started = ::fork();
    if (started == 0) {
      ::execl("/bin/sleep", "sleep", "600", nullptr);
      std::_Exit(1);
    }
    ::close(exec[1]);
    char byte = 0;
    const bool is_started = ::read(exec[0], &byte, 1) == 0;
    const pid_t told = lock.ok() && is_started ? started : -1;
    if (::write(ready[1], &told, sizeof told) != sizeof told) std::_Exit(1);
    ::pause();
    std::_Exit(0);
  }
  ::close(ready[1]);
  ::close(exec[0]);
  ::close(exec[1]);
  pid_t started = -1;
  REQUIRE(::read(ready[0], &started, sizeof started) == sizeof started);
  CHECK(started > 0);
  CHECK_FALSE(DirectoryLock::take(folder.path(), "").ok());
  int end = 0;
  ::kill(child, SIGKILL);
  REQUIRE(::waitpid(child, &end, 0) == child);
  CHECK(DirectoryLock::take(folder.path(), "").ok());
  if (started > 0) ::kill(started, SIGKILL);
  ::close(ready[0]);
}

TEST_CASE("store: deleting LevelDB's LOCK, or all of db/, admits no second writer") {
  const TemporaryDirectory folder;
  const fs::path ledger = folder.path() / "ledger";
  const auto store = open_writer(ledger);
  require_ok(store->write_genesis(as_bytes("genesis")));
  require_ok(store->commit(block_at(0)));
  fs::remove(ledger / "db" / "LOCK");
  const auto second = LedgerStore::open(ledger, LedgerStore::Mode::read_write);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == ErrorCode::busy);
  fs::remove_all(ledger / "db");
  CHECK(LedgerStore::open(ledger, LedgerStore::Mode::read_write).error().code == ErrorCode::busy);
}

TEST_CASE("store: what a killed writer left unfinished is gone after the next start") {
  const TemporaryDirectory folder;
  const fs::path ledger = folder.path() / "ledger";
  {
    const auto store = open_writer(ledger);
    require_ok(store->write_genesis(as_bytes("genesis")));
    require_ok(store->commit(block_at(0)));
  }
  touch(ledger / "checkpoint.partial-123-0");
  touch(ledger / "blobs.partial-9-77");
  (void)open_reader(ledger);  // a reader changes nothing
  CHECK(fs::exists(ledger / "checkpoint.partial-123-0"));
  (void)open_writer(ledger);
  CHECK_FALSE(fs::exists(ledger / "checkpoint.partial-123-0"));
  CHECK_FALSE(fs::exists(ledger / "blobs.partial-9-77"));
  CHECK(open_reader(ledger)->tip()->height == 0);
}

TEST_CASE("only files named as unfinished ones are removed, at any depth") {
  const TemporaryDirectory folder;
  fs::create_directories(folder.path() / "a" / "b");
  const char* gone[] = {"x.partial-1-0", "a/x.partial-12-345", "a/b/y.z.partial-7-8",
                        "a/x.partial-1-2.partial-3-4"};
  const char* kept[] = {"x",
                        "x.partial",
                        "x.partial-",
                        "x.partial-1",
                        "x.partial-1-",
                        "a/x.partial--1",
                        "a/x.partial-1-2x",
                        "a/b/x.partial-1-2-3",
                        ".partial-1-2",
                        "partial-1-2"};
  for (const char* name : gone) touch(folder.path() / name);
  for (const char* name : kept) touch(folder.path() / name);
  fs::create_directory(folder.path() / "folder.partial-1-2");
  remove_partial_files(folder.path());
  for (const char* name : gone) {
    CAPTURE(name);
    CHECK_FALSE(fs::exists(folder.path() / name));
  }
  for (const char* name : kept) {
    CAPTURE(name);
    CHECK(fs::exists(folder.path() / name));
  }
  CHECK(fs::exists(folder.path() / "folder.partial-1-2"));
  remove_partial_files(folder.path() / "nothing there");
}

TEST_CASE("create_file: whole or not at all, and never over another") {
  const TemporaryDirectory folder;
  const fs::path file = folder.path() / "key";
  require_ok(create_file(file, as_bytes("first"), 0600));
  const Status again = create_file(file, as_bytes("second"), 0600);
  REQUIRE_FALSE(again.ok());
  CHECK(again.error().code == ErrorCode::refused);
  CHECK(again.error().message.find("exists already") != std::string::npos);
  CHECK(read_file(file, 100).value() == to_bytes("first"));
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}
