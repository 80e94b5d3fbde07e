#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "tests/ledger/store_fixture.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

// What read_all gives for a store that took blocks 0..tip of block_at(height, payload).
Contents expected_contents(std::uint64_t tip, std::size_t payload_bytes) {
  Contents all;
  all.genesis = to_bytes("genesis");
  all.tip_height = tip;
  all.tip_hash = hash_at("block", tip);
  all.account_heights.resize(3);
  for (std::uint64_t height = 0; height <= tip; ++height) {
    const BlockBatch block = block_at(height, payload_bytes);
    for (const Bytes& part :
         {block.header, block.transactions, block.certificate, block.receipts}) {
      all.blocks.push_back(part);
    }
    all.transaction_places.push_back(2 * height);
    all.transaction_places.push_back(2 * height + 1);
    all.account_heights[height % 3].push_back(height);
    for (const auto& [key, value] : block.state_changes) {
      if (value) {
        all.state[key] = *value;
      } else {
        all.state.erase(key);
      }
    }
  }
  return all;
}

}  // namespace

TEST_CASE("snapshot: reading changes no byte, no name and no time on disk") {
  const TemporaryDirectory folder;
  {
    const auto store = open_writer(folder.path());
    require_ok(store->write_genesis(as_bytes("genesis")));
    for (std::uint64_t height = 0; height < 8; ++height) {
      require_ok(store->commit(block_at(height, 1 << 20)));  // several tables and a log
    }
  }
  const auto before = photograph(folder.path());
  for (int i = 0; i < 3; ++i) {
    const auto reader = open_reader(folder.path());
    CHECK(read_all(*reader).value() == expected_contents(7, 1 << 20));
    require_ok(reader->compare_with_checkpoint());
  }
  CHECK(photograph(folder.path()) == before);
}

TEST_CASE("snapshot: readers beside a writer see every acknowledged block, whole and in order") {
  const TemporaryDirectory folder;
  constexpr std::uint64_t kBlocks = 120;
  constexpr std::size_t kPayloadBytes = 150'000;  // 18 MB in all: logs turn over, tables are merged
  auto store = open_writer(folder.path());
  require_ok(store->write_genesis(as_bytes("genesis")));
  require_ok(store->commit(block_at(0, kPayloadBytes)));
  std::atomic<std::uint64_t> acknowledged = 0;
  std::atomic<bool> done = false;
  std::atomic<int> opened = 0;
  std::atomic<int> wrong = 0;
  const auto read_until_done = [&] {
    do {
      const std::uint64_t at_least = acknowledged;
      const auto reader = LedgerStore::open(folder.path(), LedgerStore::Mode::read_only);
      ++opened;
      if (!reader.ok() || !(*reader)->compare_with_checkpoint().ok()) {
        ++wrong;
        continue;
      }
      const auto all = read_all(**reader);
      wrong += !all.ok() || *all->tip_height < at_least ||
               *all != expected_contents(*all->tip_height, kPayloadBytes);
    } while (!done);
  };
  std::thread first(read_until_done), second(read_until_done);
  for (std::uint64_t height = 1; height < kBlocks; ++height) {
    const Status written = store->commit(block_at(height, kPayloadBytes));
    if (!written.ok()) {
      MESSAGE(written.error().message);
      ++wrong;
      break;
    }
    acknowledged = height;
  }
  done = true;
  first.join();
  second.join();
  CHECK(wrong == 0);
  CHECK(opened >= 2);
  MESSAGE(opened.load() << " snapshots while " << kBlocks << " blocks were written");
  const auto last = open_reader(folder.path());
  store.reset();
  std::filesystem::remove_all(folder.path());
  CHECK(read_all(*last).value() == expected_contents(kBlocks - 1, kPayloadBytes));  // pinned
}
