// A vocabulary for tests of the store: a directory that goes away, blocks whose content follows
// from their height, and everything a store holds as one comparable value.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "ledger/hash.h"
#include "ledger/store.h"

namespace gradmint::test {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "gradmint-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline Bytes to_bytes(const std::string& text) { return {text.begin(), text.end()}; }

inline Hash hash_at(const std::string& what, std::uint64_t height) {
  return sha256(as_bytes(what + std::to_string(height)));
}

// Bytes that do not repeat, from their name and size alone.
inline Bytes noise(const std::string& name, std::size_t size) {
  Bytes out;
  for (std::uint64_t i = 0; out.size() < size; ++i) {
    const Hash next = hash_at(name, i);
    out.insert(out.end(), next.bytes.begin(), next.bytes.end());
  }
  out.resize(size);
  return out;
}

inline BlockBatch block_at(std::uint64_t height, std::size_t payload_bytes = 100) {
  BlockBatch block;
  block.height = height;
  block.block_hash = hash_at("block", height);
  block.header = to_bytes("header " + std::to_string(height));
  block.transactions = noise("transactions" + std::to_string(height), payload_bytes);
  block.certificate = to_bytes("certificate " + std::to_string(height));
  block.receipts = to_bytes("receipts " + std::to_string(height));
  block.transaction_ids = {hash_at("first", height), hash_at("second", height)};
  block.touched_accounts = {hash_at("account", height % 3)};
  block.state_changes["newest"] = to_bytes(std::to_string(height));
  block.state_changes["at" + std::to_string(height)] = to_bytes("v" + std::to_string(height));
  if (height >= 2) block.state_changes["at" + std::to_string(height - 2)] = std::nullopt;
  if (height >= 1) block.pending_removed = {"reveal" + std::to_string(height - 1)};
  return block;
}

struct Contents {
  Bytes genesis;
  std::optional<std::uint64_t> tip_height;
  Hash tip_hash;
  std::vector<Bytes> blocks;  // header, transactions, certificate, receipts of each
  std::vector<std::uint64_t> transaction_places;
  std::vector<std::vector<std::uint64_t>> account_heights;
  std::map<std::string, Bytes> state, pending;
  bool operator==(const Contents&) const = default;
};

inline Result<Contents> read_all(const LedgerStore& store) {
  Contents all;
  const auto genesis = store.genesis();
  if (!genesis.ok()) return genesis.error();
  all.genesis = *genesis;
  const auto tip = store.tip();
  if (tip) {
    all.tip_height = tip->height;
    all.tip_hash = tip->block_hash;
  }
  for (std::uint64_t height = 0; tip && height <= tip->height; ++height) {
    const auto block = store.block(height);
    if (!block.ok()) return block.error();
    for (const Bytes& part :
         {block->header, block->transactions, block->certificate, block->receipts}) {
      all.blocks.push_back(part);
    }
    for (const char* which : {"first", "second"}) {
      const auto place = store.find_transaction(hash_at(which, height));
      if (!place.ok()) return place.error();
      const bool found = place->has_value();
      all.transaction_places.push_back(found ? (*place)->first * 2 + (*place)->second : ~0ull);
    }
  }
  for (std::uint64_t account = 0; account < 3; ++account) {
    const auto heights = store.heights_of(hash_at("account", account));
    if (!heights.ok()) return heights.error();
    all.account_heights.push_back(*heights);
  }
  const Status scanned = store.for_each_state([&](std::string_view key, ByteView value) {
    all.state[std::string(key)] = Bytes(value.begin(), value.end());
  });
  if (!scanned.ok()) return scanned.error();
  const auto pending = store.pending();
  if (!pending.ok()) return pending.error();
  all.pending = *pending;
  return all;
}

inline std::unique_ptr<LedgerStore> open_store(const std::filesystem::path& directory,
                                               LedgerStore::Mode mode) {
  auto store = LedgerStore::open(directory, mode);
  if (!store.ok()) FAIL(store.error().message);
  return std::move(*store);
}
inline std::unique_ptr<LedgerStore> open_writer(const std::filesystem::path& directory) {
  return open_store(directory, LedgerStore::Mode::read_write);
}
inline std::unique_ptr<LedgerStore> open_reader(const std::filesystem::path& directory) {
  return open_store(directory, LedgerStore::Mode::read_only);
}

inline void require_ok(const Status& status) {
  if (!status.ok()) FAIL(status.error().message);
}

// Every path below the directory with its bytes and the time of its last change.
inline std::map<std::string, std::string> photograph(const std::filesystem::path& directory) {
  std::map<std::string, std::string> seen;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    std::string what = std::to_string(entry.last_write_time().time_since_epoch().count());
    if (entry.is_regular_file()) {
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string bytes((std::istreambuf_iterator<char>(file)), {});
      what += " " + to_hex(sha256(as_bytes(bytes)));
    }
    seen[entry.path().string()] = what;
  }
  seen["."] =
      std::to_string(std::filesystem::last_write_time(directory).time_since_epoch().count());
  return seen;
}

}  // namespace gradmint::test
