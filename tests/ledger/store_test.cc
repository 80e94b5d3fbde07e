#include "ledger/store.h"

#include <doctest/doctest.h>
#include <leveldb/db.h>

#include "tests/ledger/store_fixture.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

using Mode = LedgerStore::Mode;

ErrorCode open_error(const std::filesystem::path& directory, Mode mode) {
  const auto store = LedgerStore::open(directory, mode);
  REQUIRE_FALSE(store.ok());
  CHECK(store.error().message.find('\n') == std::string::npos);
  CHECK(store.error().message.find(directory.string()) != std::string::npos);
  return store.error().code;
}

void set_raw(const std::filesystem::path& directory, const std::string& key,
             const std::string& value) {
  leveldb::DB* database = nullptr;
  REQUIRE(leveldb::DB::Open({}, (directory / "db").string(), &database).ok());
  const std::unique_ptr<leveldb::DB> owner(database);
  REQUIRE(database->Put({}, key, value).ok());
}

}  // namespace

TEST_CASE("store: what was committed is read back, by the writer, by readers and after reopening") {
  const TemporaryDirectory folder;
  Contents written;
  {
    const auto store = open_writer(folder.path() / "new" / "ledger");
    CHECK_FALSE(store->tip());
    CHECK(store->genesis().error().code == ErrorCode::not_found);
    CHECK(store->checkpoint().error().code == ErrorCode::not_found);
    require_ok(store->write_genesis(as_bytes("genesis")));
    // Without a block nothing depends on it yet: an interrupted start is begun anew.
    require_ok(store->write_genesis(as_bytes("other")));
    require_ok(store->write_genesis(as_bytes("genesis")));
    for (std::uint64_t height = 0; height < 10; ++height) {
      require_ok(store->put_pending("reveal" + std::to_string(height), as_bytes("r")));
      require_ok(store->commit(block_at(height)));
    }
    written = read_all(*store).value();
    const auto reader = open_reader(folder.path() / "new" / "ledger");
    CHECK(read_all(*reader).value() == written);
    CHECK(store->write_genesis(as_bytes("other")).error().code == ErrorCode::refused);
    require_ok(store->commit(block_at(10)));
    CHECK(store->tip()->height == 10);
    CHECK(reader->tip()->height == 9);  // a snapshot does not move
    CHECK(read_all(*reader).value() == written);
    CHECK(reader->checkpoint()->tip.height == 9);
    require_ok(reader->compare_with_checkpoint());
    written = read_all(*store).value();
  }
  CHECK(written.genesis == to_bytes("genesis"));
  CHECK(written.tip_height == 10);
  CHECK(written.blocks.size() == 44);
  CHECK(written.blocks[4 * 7] == to_bytes("header 7"));
  CHECK(written.transaction_places[2 * 7 + 1] == 7 * 2 + 1);
  CHECK(written.account_heights[1] == std::vector<std::uint64_t>{1, 4, 7, 10});
  CHECK(written.state == std::map<std::string, Bytes>{{"at10", to_bytes("v10")},
                                                      {"at9", to_bytes("v9")},
                                                      {"newest", to_bytes("10")}});
  CHECK(written.pending.size() == 0);
  const auto again = open_writer(folder.path() / "new" / "ledger");
  CHECK(read_all(*again).value() == written);
  CHECK(again->checkpoint()->tip.block_hash == hash_at("block", 10));
  CHECK(again->checkpoint()->certificate == to_bytes("certificate 10"));
  CHECK(again->block(11).error().code == ErrorCode::not_found);
  CHECK(again->find_transaction(hash_at("never", 0)).value() == std::nullopt);
}

TEST_CASE("store: pending entries stay until the block that removes them") {
  const TemporaryDirectory folder;
  {
    const auto store = open_writer(folder.path());
    require_ok(store->write_genesis(as_bytes("genesis")));
    require_ok(store->commit(block_at(0)));
    require_ok(store->put_pending("reveal0", as_bytes("zero")));
    require_ok(store->put_pending("other", as_bytes("stays")));
  }
  {
    const auto store = open_writer(folder.path());
    CHECK(store->pending().value() == std::map<std::string, Bytes>{{"other", to_bytes("stays")},
                                                                   {"reveal0", to_bytes("zero")}});
    require_ok(store->commit(block_at(1)));
    CHECK(store->pending().value().size() == 1);
  }
  CHECK(open_reader(folder.path())->pending().value().contains("other"));
}

TEST_CASE("store: what cannot be opened says why") {
  const TemporaryDirectory folder;
  const auto ledger = folder.path() / "ledger";
  CHECK(open_error(ledger, Mode::read_only) == ErrorCode::not_found);
  CHECK_FALSE(std::filesystem::exists(ledger));
  std::filesystem::create_directories(ledger / "db");
  CHECK(open_error(ledger, Mode::read_only) == ErrorCode::not_found);
  {
    const auto store = open_writer(ledger);
    CHECK(open_error(ledger, Mode::read_write) == ErrorCode::busy);
    require_ok(store->write_genesis(as_bytes("genesis")));
    require_ok(store->commit(block_at(0)));
  }
  SUBCASE("another schema, by name, and what reads it") {
    const std::pair<char, std::string> others[] = {
        {static_cast<char>(kLedgerSchema - 1), "use the gradmint that wrote it"},
        {static_cast<char>(kLedgerSchema + 1), "use a newer gradmint"}};
    for (const auto& [number, remedy] : others) {
      set_raw(ledger, "m/schema", std::string("\0\0\0", 3) + number);
      for (const Mode mode : {Mode::read_only, Mode::read_write}) {
        const auto store = LedgerStore::open(ledger, mode);
        REQUIRE_FALSE(store.ok());
        CHECK(store.error().code == ErrorCode::unsupported);
        CHECK(store.error().message.find("has schema " + std::to_string(number)) !=
              std::string::npos);
        CHECK(store.error().message.find(remedy) != std::string::npos);
      }
    }
  }
  SUBCASE("a missing CURRENT is not taken for a new ledger") {
    std::filesystem::remove(ledger / "db" / "CURRENT");
    const auto before = photograph(ledger);
    CHECK(open_error(ledger, Mode::read_only) == ErrorCode::corrupt);
    CHECK(open_error(ledger, Mode::read_write) == ErrorCode::corrupt);
    CHECK(photograph(ledger) == before);
  }
  SUBCASE("a missing log") {
    for (const auto& entry : std::filesystem::directory_iterator(ledger / "db")) {
      if (entry.path().extension() == ".log") std::filesystem::remove(entry.path());
    }
    CHECK(open_error(ledger, Mode::read_write) == ErrorCode::corrupt);
  }
  SUBCASE("a file where a directory should be") {
    const auto file = folder.path() / "file";
    std::ofstream(file) << "x";
    CHECK(open_error(file / "ledger", Mode::read_only) == ErrorCode::not_found);
    CHECK_FALSE(LedgerStore::open(file, Mode::read_write).ok());
  }
}

TEST_CASE("store: a first start that was cut short may start again") {
  const TemporaryDirectory folder;
  std::filesystem::create_directories(folder.path() / "db");
  std::ofstream(folder.path() / "db" / "MANIFEST-000001") << "half";
  const auto store = open_writer(folder.path());
  require_ok(store->write_genesis(as_bytes("genesis")));
}

TEST_CASE("store: a checkpoint behind the tip is brought up, one ahead of it is damage") {
  const TemporaryDirectory folder;
  const auto checkpoint = folder.path() / "checkpoint";
  const auto kept = folder.path() / "kept";
  const auto store_with = [&](std::uint64_t first, std::uint64_t end) {
    const auto store = open_writer(folder.path());
    if (first == 0) require_ok(store->write_genesis(as_bytes("genesis")));
    for (std::uint64_t height = first; height < end; ++height) {
      require_ok(store->commit(block_at(height)));
    }
  };
  store_with(0, 3);
  std::filesystem::copy_file(checkpoint, kept);
  SUBCASE("behind, as after a crash between batch and checkpoint") {
    store_with(3, 5);
    std::filesystem::rename(kept, checkpoint);
    require_ok(open_reader(folder.path())->compare_with_checkpoint());
    CHECK(open_reader(folder.path())->checkpoint()->tip.height == 2);
    CHECK(open_writer(folder.path())->checkpoint()->tip.height == 4);
  }
  SUBCASE("missing") {
    std::filesystem::remove(checkpoint);
    require_ok(open_reader(folder.path())->compare_with_checkpoint());
    CHECK(open_writer(folder.path())->checkpoint()->tip.height == 2);
  }
  SUBCASE("ahead: the reader opens and names the block, the writer refuses") {
    store_with(3, 5);
    std::filesystem::copy_file(checkpoint, folder.path() / "ahead");
    std::filesystem::remove_all(folder.path() / "db");
    std::filesystem::remove(checkpoint);
    store_with(0, 3);
    std::filesystem::rename(folder.path() / "ahead", checkpoint);
    const auto reader = open_reader(folder.path());
    const Status compared = reader->compare_with_checkpoint();
    REQUIRE_FALSE(compared.ok());
    CHECK(compared.error().code == ErrorCode::corrupt);
    CHECK(compared.error().message.find("block 4") != std::string::npos);
    CHECK(open_error(folder.path(), Mode::read_write) == ErrorCode::corrupt);
  }
  SUBCASE("another block at the same height") {
    std::filesystem::remove_all(folder.path() / "db");
    std::filesystem::remove(checkpoint);
    {
      const auto store = open_writer(folder.path());
      require_ok(store->write_genesis(as_bytes("genesis")));
      for (std::uint64_t height = 0; height < 3; ++height) {
        BlockBatch other = block_at(height);
        other.block_hash = hash_at("other", height);
        require_ok(store->commit(other));
      }
    }
    std::filesystem::rename(kept, checkpoint);
    CHECK(open_error(folder.path(), Mode::read_write) == ErrorCode::corrupt);
  }
}
