// Damage on disk: a single wrong bit, or a file cut short. Whatever it is, a reader gets exactly
// what was written or is told that the ledger is damaged.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/ledger/store_fixture.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

enum class Outcome { same, told, wrong };

// Opens and reads everything, as an audit would.
Outcome inspect(const std::filesystem::path& directory, LedgerStore::Mode mode,
                const Contents& written) {
  const auto told = [](const Error& error) {
    if (error.code == ErrorCode::corrupt) return Outcome::told;
    MESSAGE("not called damage: " << error.message);
    return Outcome::wrong;
  };
  const auto store = LedgerStore::open(directory, mode);
  if (!store.ok()) return told(store.error());
  const Status compared = (*store)->compare_with_checkpoint();
  if (!compared.ok()) return told(compared.error());
  const auto all = read_all(**store);
  if (!all.ok()) return told(all.error());
  return *all == written ? Outcome::same : Outcome::wrong;
}

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void flip_bit(const std::filesystem::path& file, std::uint64_t bit) {
  std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
  const auto at = static_cast<std::streamoff>(bit / 8);
  stream.seekg(at);
  const int byte = stream.get();
  stream.seekp(at);
  stream.put(static_cast<char>(byte ^ (1 << (bit % 8))));
}

// The files a ledger consists of (LOCK and LevelDB's own log say nothing).
std::vector<std::filesystem::path> files_of(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files{directory / "checkpoint"};
  for (const auto& entry : std::filesystem::directory_iterator(directory / "db")) {
    const std::string name = entry.path().filename().string();
    if (name != "LOCK" && !name.starts_with("LOG")) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

struct Tally {
  int same = 0, told = 0, wrong = 0;
  void add(Outcome outcome) {
    same += outcome == Outcome::same;
    told += outcome == Outcome::told;
    wrong += outcome == Outcome::wrong;
  }
};

void make_ledger(const std::filesystem::path& directory, std::uint64_t blocks,
                 std::size_t payload_bytes) {
  const auto store = open_writer(directory);
  require_ok(store->write_genesis(as_bytes("genesis")));
  for (std::uint64_t height = 0; height < blocks; ++height) {
    require_ok(store->commit(block_at(height, payload_bytes)));
  }
  require_ok(store->put_pending("reveal", as_bytes("acknowledged after the last block")));
}

}  // namespace

TEST_CASE("damage: any bit of a small ledger") {
  const TemporaryDirectory folder;
  make_ledger(folder.path(), 4, 64);
  { const auto reopened = open_writer(folder.path()); }  // moves the first log into a table
  {
    const auto store = open_writer(folder.path());
    require_ok(store->commit(block_at(4)));
    require_ok(store->put_pending("reveal", as_bytes("again")));
  }
  const Contents written = read_all(*open_reader(folder.path())).value();
  Tally tally;
  std::uint64_t turn = 0;
  for (const auto& file : files_of(folder.path())) {
    const std::uint64_t bits = 8 * std::filesystem::file_size(file);
    // One bit of every byte, another one each time.
    for (std::uint64_t bit = 0; bit < bits; bit += 8) {
      const std::uint64_t chosen = bit + turn++ % 8;
      flip_bit(file, chosen);
      const Outcome outcome = inspect(folder.path(), LedgerStore::Mode::read_only, written);
      flip_bit(file, chosen);
      tally.add(outcome);
      if (outcome == Outcome::wrong) FAIL_CHECK(file.string() << " bit " << chosen);
    }
  }
  CHECK(inspect(folder.path(), LedgerStore::Mode::read_only, written) == Outcome::same);
  MESSAGE(tally.told << " flipped bits told, " << tally.same << " made no difference");
  CHECK(tally.told > 1000);
  CHECK(tally.wrong == 0);
}

TEST_CASE("damage: bits of a ledger of several tables, to a reader and to the writer") {
  const TemporaryDirectory folder;
  const auto ledger = folder.path() / "ledger";
  make_ledger(ledger, 7, 1 << 20);
  const Contents written = read_all(*open_reader(ledger)).value();
  Tally tally;
  int turn = 0;
  for (const auto& file : files_of(ledger)) {
    const std::uint64_t size = std::filesystem::file_size(file);
    std::vector<std::uint64_t> bytes;
    for (std::uint64_t i = 0; i < 10; ++i) bytes.push_back(size * i / 10);
    // The end of a table says where everything else is.
    for (std::uint64_t i = 1; i <= 60 && i <= size; i += 3) bytes.push_back(size - i);
    for (const std::uint64_t byte : bytes) {
      const std::uint64_t bit = 8 * byte + static_cast<std::uint64_t>(turn++ % 8);
      flip_bit(file, bit);
      Outcome outcome = inspect(ledger, LedgerStore::Mode::read_only, written);
      if (outcome != Outcome::wrong && turn % 5 == 0) {  // the writer changes files: on a copy
        std::filesystem::copy(ledger, folder.path() / "copy",
                              std::filesystem::copy_options::recursive);
        outcome = inspect(folder.path() / "copy", LedgerStore::Mode::read_write, written);
        std::filesystem::remove_all(folder.path() / "copy");
      }
      flip_bit(file, bit);
      tally.add(outcome);
      if (outcome == Outcome::wrong) FAIL_CHECK(file.string() << " bit " << bit);
    }
  }
  MESSAGE(tally.told << " flipped bits told, " << tally.same << " made no difference");
  CHECK(tally.told > 20);
  CHECK(tally.wrong == 0);
}

TEST_CASE("damage: a file cut anywhere, or gone") {
  const TemporaryDirectory folder;
  make_ledger(folder.path(), 4, 64);
  const Contents written = read_all(*open_reader(folder.path())).value();
  for (const auto& file : files_of(folder.path())) {
    const std::string whole = read_text(file);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      std::filesystem::resize_file(file, size);
      const Outcome outcome = inspect(folder.path(), LedgerStore::Mode::read_only, written);
      std::ofstream(file, std::ios::binary) << whole;
      CAPTURE(file.string());
      CAPTURE(size);
      CHECK(outcome == Outcome::told);
    }
    if (file.filename() == "checkpoint")
      continue;  // may be missing: after a crash at the first block
    std::filesystem::remove(file);
    CHECK(inspect(folder.path(), LedgerStore::Mode::read_only, written) == Outcome::told);
    std::ofstream(file, std::ios::binary) << whole;
  }
  CHECK(inspect(folder.path(), LedgerStore::Mode::read_only, written) == Outcome::same);
}
