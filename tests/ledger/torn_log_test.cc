// A log whose end a power cut has filled up with zeros: what was acknowledged is opened again, and
// damage stays damage.
#include "ledger/torn_log.h"

#include <doctest/doctest.h>

#include <fstream>
#include <functional>

#include "tests/ledger/leveldb_records.h"
#include "tests/ledger/store_fixture.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

constexpr std::uint64_t kBlocks = 4;

std::string content_of(const std::filesystem::path& file) {
  const auto bytes = read_file(file, std::uint64_t{1} << 30);
  REQUIRE(bytes.ok());
  return {bytes->begin(), bytes->end()};
}

std::filesystem::path newest_log(const std::filesystem::path& ledger) {
  std::filesystem::path newest;
  for (const auto& entry : std::filesystem::directory_iterator(ledger / "db")) {
    if (entry.path().extension() == ".log") newest = std::max(newest, entry.path());
  }
  REQUIRE(!newest.empty());
  return newest;
}

void write_ledger(const std::filesystem::path& ledger) {
  auto store = LedgerStore::open(ledger, LedgerStore::Mode::read_write);
  REQUIRE(store.ok());
  REQUIRE((*store)->write_genesis(to_bytes("genesis")).ok());
  for (std::uint64_t height = 0; height < kBlocks; ++height)
    REQUIRE((*store)->commit(block_at(height, 500)).ok());
}

}  // namespace

TEST_CASE("a log that ends with a beginning and zeros loses nothing that was acknowledged") {
  struct Row {
    const char* what;
    std::function<void(std::string& log, const Covered& last)> spoil;
    bool opens;
  };
  // A record that was never acknowledged: the last one once more, of which some arrived.
  const auto add = [](std::string& log, const Covered& last, std::size_t kept, std::size_t zeros) {
    log += log.substr(last.checksum_at, kept) + std::string(zeros, '\0');
  };
  const Row rows[] = {
      {"nothing", [](std::string&, const Covered&) {}, true},
      {"cut short", [&](std::string& log, const Covered& l) { add(log, l, 60, 0); }, true},
      {"zeros alone", [&](std::string& log, const Covered& l) { add(log, l, 0, 3000); }, true},
      {"its head and zeros", [&](std::string& log, const Covered& l) { add(log, l, 7, 2000); },
       true},
      {"a part of its head and zeros",
       [&](std::string& log, const Covered& l) { add(log, l, 3, 2000); }, true},
      {"half of it and zeros", [&](std::string& log, const Covered& l) { add(log, l, 300, 2000); },
       true},
      {"zeros, and something behind them",
       [&](std::string& log, const Covered& l) {
         add(log, l, 300, 2000);
         log += "x";
       },
       false},
      {"an acknowledged record's end is zeros",
       [](std::string& log, const Covered&) { std::fill(log.end() - 40, log.end(), '\0'); }, false},
      {"an acknowledged record's byte is another",
       [](std::string& log, const Covered& l) { log[l.begin + 50] ^= 1; }, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const TemporaryDirectory folder;
    const auto ledger = folder.path() / "ledger";
    write_ledger(ledger);
    const auto file = newest_log(ledger);
    std::string log = content_of(file);
    const std::vector<Covered> records = records_of_log(log);
    REQUIRE(records.size() >= kBlocks);
    row.spoil(log, records.back());
    std::ofstream(file, std::ios::binary | std::ios::trunc) << log;
    const auto opened = LedgerStore::open(ledger, LedgerStore::Mode::read_write);
    REQUIRE(opened.ok() == row.opens);
    if (!opened.ok()) {
      CHECK(opened.error().code == ErrorCode::corrupt);
      continue;
    }
    REQUIRE((*opened)->tip().has_value());
    CHECK((*opened)->tip()->height == kBlocks - 1);
    CHECK((*opened)->block(kBlocks - 1).ok());
  }
}

TEST_CASE("what was cut off stays beside the log") {
  const TemporaryDirectory folder;
  const auto ledger = folder.path() / "ledger";
  write_ledger(ledger);
  const auto file = newest_log(ledger);
  const std::string before = content_of(file);
  const Covered last = records_of_log(before).back();
  const std::string torn = before + before.substr(last.checksum_at, 300) + std::string(900, '\0');
  std::ofstream(file, std::ios::binary | std::ios::trunc) << torn;
  const auto cut = cut_torn_ends(posix_disk(), ledger / "db");
  REQUIRE(cut.ok());
  CHECK(*cut);
  CHECK(content_of(file) == before);
  CHECK(content_of(file.string() + ".torn") == torn);
}
