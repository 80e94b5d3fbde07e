#include "ledger/blobs.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "ledger/durable_file.h"
#include "ledger/mapping_fault.h"
#include "ledger/merkle.h"
#include "tests/ledger/store_fixture.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

Bytes content_of(const Result<MappedFile>& blob) {
  if (!blob.ok()) FAIL(blob.error().message);
  return {blob->bytes().begin(), blob->bytes().end()};
}

std::size_t count_files(const std::filesystem::path& directory) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    files += entry.is_regular_file();
  }
  return files;
}

}  // namespace

TEST_CASE("blobs: stored under their root, once") {
  const TemporaryDirectory folder;
  const BlobStore blobs(folder.path() / "blobs");
  for (const std::size_t size : {0u, 1u, 4096u, 100'000u}) {
    const Bytes payload = noise("payload", size);
    const auto root = blobs.put(payload);
    REQUIRE(root.ok());
    CHECK(*root == blob_root(payload));
    CHECK(blobs.contains(*root));
    CHECK(blobs.path_of(*root) ==
          folder.path() / "blobs" / to_hex(*root).substr(0, 2) / to_hex(*root));
    CHECK(content_of(blobs.get(*root)) == payload);
    CHECK(content_of(blobs.get_verified(*root)) == payload);
    CHECK(blobs.put(payload).value() == *root);
  }
  CHECK(count_files(folder.path()) == 4);
}

TEST_CASE("blobs: one that is cut short while it is mapped ends the process with one line") {
  const TemporaryDirectory folder;
  const BlobStore blobs(folder.path());
  const auto root = blobs.put(noise("payload", 100'000));
  REQUIRE(root.ok());
  int errors[2];
  REQUIRE(::pipe(errors) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(errors[1], STDERR_FILENO);
    explain_mapping_faults("program", 2);
    const auto mapped = blobs.get(*root);
    std::filesystem::resize_file(blobs.path_of(*root), 5000);
    ::_exit(blob_root(mapped->bytes()) == *root ? 0 : 3);  // touches what is gone
  }
  ::close(errors[1]);
  std::string said;
  char piece[512];
  for (ssize_t got; (got = ::read(errors[0], piece, sizeof piece)) > 0;)
    said.append(piece, static_cast<std::size_t>(got));
  ::close(errors[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CAPTURE(said);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 2);
  CHECK(said.starts_with("program: '" + blobs.path_of(*root).string() + "' was cut short"));
  CHECK(std::count(said.begin(), said.end(), '\n') == 1);
}

TEST_CASE("blobs: one that is missing, damaged or something else says so") {
  const TemporaryDirectory folder;
  const BlobStore blobs(folder.path());
  const Hash absent = hash_at("absent", 0);
  CHECK_FALSE(blobs.contains(absent));
  const auto missing = blobs.get(absent);
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().code == ErrorCode::not_found);
  CHECK(missing.error().message.find(to_hex(absent)) != std::string::npos);

  const Bytes payload = noise("payload", 10'000);
  const Hash root = blobs.put(payload).value();
  std::filesystem::resize_file(blobs.path_of(root), 9'999);
  CHECK(blobs.get(root).ok());
  CHECK(blobs.get_verified(root).error().code == ErrorCode::corrupt);
  CHECK(blobs.put(payload).value() == root);  // storing it again repairs it
  CHECK(content_of(blobs.get_verified(root)) == payload);
  CHECK_FALSE(MappedFile::open(folder.path()).ok());
}

TEST_CASE("blobs: a finished file is adopted when it is what was promised") {
  const TemporaryDirectory folder;
  const BlobStore blobs(folder.path() / "blobs");
  const auto arrived = folder.path() / "arrived";
  const Bytes payload = noise("payload", 5'000);
  require_ok(replace_file(arrived, payload));
  CHECK(blobs.adopt(arrived, hash_at("another", 0)).error().code == ErrorCode::refused);
  CHECK(std::filesystem::exists(arrived));
  require_ok(blobs.adopt(arrived, blob_root(payload)));
  CHECK_FALSE(std::filesystem::exists(arrived));
  CHECK(content_of(blobs.get_verified(blob_root(payload))) == payload);
  CHECK(blobs.adopt(arrived, blob_root(payload)).error().code == ErrorCode::not_found);
}

TEST_CASE("blobs: threads that store the same blob do not disturb each other") {
  const TemporaryDirectory folder;
  const BlobStore blobs(folder.path());
  const Bytes payload = noise("payload", 50'000);
  std::vector<int> failures(4, 0);
  std::vector<std::thread> threads;
  for (int& failed : failures) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) failed += !blobs.put(payload).ok();
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == std::vector<int>(4, 0));
  CHECK(content_of(blobs.get_verified(blob_root(payload))) == payload);
  CHECK(count_files(folder.path()) == 1);
}

TEST_CASE("files: replaced as one step, created once, capped") {
  const TemporaryDirectory folder;
  const auto file = folder.path() / "file";
  require_ok(replace_file(file, as_bytes("one")));
  require_ok(replace_file(file, as_bytes("two")));
  CHECK(read_file(file, 3).value() == to_bytes("two"));
  CHECK(read_file(file, 2).error().code == ErrorCode::corrupt);
  CHECK(create_file(file, as_bytes("three"), 0600).error().code == ErrorCode::refused);
  CHECK(read_file(folder.path() / "none", 9).error().code == ErrorCode::not_found);
  CHECK(replace_file(folder.path() / "none" / "file", {}).error().code == ErrorCode::not_found);
  const auto pipe = folder.path() / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(replace_file(pipe, as_bytes("one")).error().code == ErrorCode::refused);
  CHECK(std::filesystem::is_fifo(pipe));
  CHECK(count_files(folder.path()) == 1);
  require_ok(create_directory_synced(folder.path() / "a" / "b" / "c"));
  require_ok(create_directory_synced(folder.path() / "a" / "b" / "c"));
  CHECK_FALSE(create_directory_synced(file).ok());
  CHECK_FALSE(create_directory_synced(file / "below").ok());
}
