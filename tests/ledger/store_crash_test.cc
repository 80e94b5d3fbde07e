// A writer that is killed, or whose disk is full: what it acknowledged is there when the store is
// opened again. The writer is this program, started anew (a fork alone would lack LevelDB's
// threads), told what to do through the environment; it reports each acknowledged height on its
// standard output.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "ledger/blobs.h"
#include "tests/ledger/store_fixture.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

constexpr const char* kDirectoryVariable = "GRADMINT_TEST_WRITER_DIRECTORY";
constexpr const char* kModeVariable = "GRADMINT_TEST_WRITER_MODE";
constexpr const char* kWriterName = "writer: run by the tests of crashes";
constexpr std::uint64_t kEndless = 100000;
constexpr std::uint64_t kDiesBeforeBatch = 5;

// Block `height` names a blob of this content in its header.
Bytes blob_of(std::uint64_t height) { return noise("blob" + std::to_string(height), 20'000); }

BlockBatch block_with_blob(std::uint64_t height, const Hash& root) {
  BlockBatch block = block_at(height, 30'000);
  block.header = Bytes(root.bytes.begin(), root.bytes.end());
  return block;
}

void report(std::uint64_t height) {
  if (::write(STDOUT_FILENO, &height, sizeof height) != sizeof height) std::_Exit(3);
}

// Exit status: 0 done, 7 died on purpose, 9 a write failed as io with a clear line, 1 anything
// else.
int run_writer(const std::filesystem::path& directory, const std::string& mode) {
  auto opened = LedgerStore::open(directory / "ledger", LedgerStore::Mode::read_write);
  if (!opened.ok()) return 1;
  LedgerStore& store = **opened;
  const BlobStore blobs(directory / "blobs");
  if (!store.genesis().ok() && !store.write_genesis(as_bytes("genesis")).ok()) return 1;
  if (mode == "full") {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{200'000, 200'000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
  }
  const auto tip = store.tip();
  for (std::uint64_t height = tip ? tip->height + 1 : 0; height < kEndless; ++height) {
    const auto root = blobs.put(blob_of(height));
    if (!root.ok()) return 1;
    if (mode == "before batch" && height == kDiesBeforeBatch) std::_Exit(7);
    const BlockBatch block = block_with_blob(height, *root);
    const Status written = store.commit(block);
    if (!written.ok()) {
      const Status again = store.put_pending("later", as_bytes("refused until opened again"));
      const bool clear = written.error().code == ErrorCode::io &&
                         written.error().message.find("free some space") != std::string::npos &&
                         !again.ok() && again.error().message == written.error().message;
      return clear ? 9 : 1;
    }
    report(height);
  }
  return 0;
}

struct WriterEnd {
  std::uint64_t acknowledged = 0;  // how many blocks
  int status = 0;                  // as waitpid gives it
};

// Runs the writer; kills it once it has acknowledged `kill_after` further blocks (never, when 0).
WriterEnd run_until_end(const std::filesystem::path& directory, const std::string& mode,
                        std::uint64_t kill_after) {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  ::setenv(kDirectoryVariable, directory.c_str(), 1);
  ::setenv(kModeVariable, mode.c_str(), 1);
  const std::string chosen = std::string("--test-case=") + kWriterName;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::execl("/proc/self/exe", "writer", chosen.c_str(), "--no-skip", "--minimal", nullptr);
    std::_Exit(2);
  }
  ::close(ends[1]);
  WriterEnd end;
  std::uint64_t height = 0;
  std::uint64_t seen = 0;
  while (::read(ends[0], &height, sizeof height) == sizeof height) {
    end.acknowledged = height + 1;
    if (++seen == kill_after) ::kill(child, SIGKILL);
  }
  ::close(ends[0]);
  REQUIRE(::waitpid(child, &end.status, 0) == child);
  ::unsetenv(kDirectoryVariable);
  ::unsetenv(kModeVariable);
  return end;
}

// Everything acknowledged is there, exact, with its blobs; at most one block more. Returns the
// block count.
std::uint64_t check_survivors(const std::filesystem::path& directory, std::uint64_t acknowledged) {
  const BlobStore blobs(directory / "blobs");
  const auto reader = open_reader(directory / "ledger");  // before any recovery
  const auto store = open_writer(directory / "ledger");
  REQUIRE(store->tip());
  CHECK(reader->tip()->height == store->tip()->height);
  const std::uint64_t count = store->tip()->height + 1;
  CHECK(count >= acknowledged);
  CHECK(store->checkpoint()->tip.height == store->tip()->height);
  for (std::uint64_t height = 0; height < count; ++height) {
    const auto block = store->block(height);
    REQUIRE(block.ok());
    Hash root;
    REQUIRE(block->header.size() == root.bytes.size());
    std::copy(block->header.begin(), block->header.end(), root.bytes.begin());
    CHECK(block->transactions == block_at(height, 30'000).transactions);
    const auto blob = blobs.get_verified(root);
    REQUIRE(blob.ok());
    CHECK(Bytes(blob->bytes().begin(), blob->bytes().end()) == blob_of(height));
  }
  return count;
}

}  // namespace

TEST_CASE("writer: run by the tests of crashes" * doctest::skip()) {
  const char* directory = std::getenv(kDirectoryVariable);
  const char* mode = std::getenv(kModeVariable);
  if (directory == nullptr || mode == nullptr) return;  // asked for by hand: there is nothing to do
  std::_Exit(run_writer(directory, mode));
}

TEST_CASE("crash: killed while writing, again and again, nothing acknowledged is lost") {
  const TemporaryDirectory folder;
  std::uint64_t count = 0;
  for (const std::uint64_t kill_after : {1u, 2u, 3u, 40u, 1u, 7u, 150u, 5u}) {
    const WriterEnd end = run_until_end(folder.path(), "endless", kill_after);
    CHECK(WIFSIGNALED(end.status));
    CHECK(end.acknowledged >= count + kill_after);
    count = check_survivors(folder.path(), end.acknowledged);
  }
}

TEST_CASE("crash: between a blob and the block that names it, the block never was") {
  const TemporaryDirectory folder;
  const WriterEnd end = run_until_end(folder.path(), "before batch", 0);
  REQUIRE(WIFEXITED(end.status));
  CHECK(WEXITSTATUS(end.status) == 7);
  CHECK(end.acknowledged == kDiesBeforeBatch);
  CHECK(check_survivors(folder.path(), end.acknowledged) == kDiesBeforeBatch);
  // The blob without a block is harmless: the next writer goes on from there.
  const WriterEnd next = run_until_end(folder.path(), "endless", 2);
  CHECK(check_survivors(folder.path(), next.acknowledged) >= kDiesBeforeBatch + 2);
}

TEST_CASE(
    "crash: a full disk is one clear line, and with space again all acknowledged blocks are "
    "there") {
  const TemporaryDirectory folder;
  const WriterEnd end = run_until_end(folder.path(), "full", 0);
  REQUIRE(WIFEXITED(end.status));
  CHECK(WEXITSTATUS(end.status) == 9);
  CHECK(end.acknowledged >= 3);
  const std::uint64_t count = check_survivors(folder.path(), end.acknowledged);
  CHECK(count <= end.acknowledged + 1);
  const WriterEnd next = run_until_end(folder.path(), "endless", 3);
  CHECK(check_survivors(folder.path(), next.acknowledged) >= count + 3);
}
