// A validator's key guard and ledger in a folder, as a home has them.
#pragma once

#include <doctest/doctest.h>

#include "coordinator/order/orderer.h"
#include "coordinator/order/restore_chain.h"
#include "coordinator/order/solo_ordering.h"
#include "tests/ledger/store_fixture.h"
#include "tests/ledger/world.h"

namespace gradmint::test {

// At once, by an order that never waits.
inline Result<OrderedBlock> make_block(Orderer& orderer, std::uint64_t time_ms,
                                       bool even_if_empty) {
  if (even_if_empty) orderer.propose_empty();
  auto block = orderer.advance(time_ms);
  if (!block) return block.error();
  if (!*block) FAIL("no block was made");
  return **std::move(block);
}

struct OrdererPlace {
  explicit OrdererPlace(const std::string& name = "test") : root(folder.path()) {
    world.genesis.name = name;
    std::filesystem::create_directories(root / "keys");
    const Status made = create_ledger(ledger(), files(), world.validator(), world.genesis);
    if (!made.ok()) FAIL(made.error().message);
  }
  std::filesystem::path ledger() const { return root / "ledger"; }
  SignerFiles files() const { return {root / "keys" / "signed", root / "keys" / "receipts"}; }
  SignGuard guard() const { return SignGuard(files().block); }

  Result<std::unique_ptr<Orderer>> try_open() const {
    return open_orderer(ledger(), files(), world.validator(), SoloOrdering::open);
  }
  std::unique_ptr<Orderer> open() const {
    auto orderer = try_open();
    if (!orderer.ok()) FAIL(orderer.error().message);
    return *std::move(orderer);
  }
  // Until the ledger ends with this height; the time of each block is `time_ms` and one more.
  void extend_to(std::uint64_t height, std::uint64_t time_ms = 0) const {
    const auto orderer = open();
    while (orderer->chain().height() < height) {
      REQUIRE(make_block(*orderer, time_ms++, true).ok());
    }
  }
  void keep(const std::string& name) const { copy("ledger", name); }
  void put_back(const std::string& name) const { copy(name, "ledger"); }
  void copy(const std::string& from, const std::string& to) const {
    std::filesystem::remove_all(root / to);
    std::filesystem::copy(root / from, root / to, std::filesystem::copy_options::recursive);
  }

  TemporaryDirectory folder;
  World world;
  std::filesystem::path root;
};

}  // namespace gradmint::test
