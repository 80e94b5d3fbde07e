// The block store on a disk that loses what was not synced: LevelDB's own files, too.
#include "tests/ledger/store_fixture.h"
#include "tests/simulation/simulated_disk.h"

using namespace gradmint;
using namespace gradmint::test;
using namespace gradmint::simulation;

namespace {

const std::filesystem::path kLedger = "/ledger";
constexpr std::uint64_t kOpenings = 5;  // the last of which merges the tables of the others

// Opens the store, writes the next block, ends; empty, or why the store could not be opened.
std::string add_block(SimulatedDisk& disk) {
  auto opened = LedgerStore::open(kLedger, LedgerStore::Mode::read_write, disk);
  disk.run_background();
  std::string fault = opened.ok() ? "" : opened.error().message;
  if (opened.ok()) {
    const auto tip = (*opened)->tip();
    const std::uint64_t height = tip ? tip->height + 1 : 0;
    if (disk.has_power()) static_cast<void>((*opened)->commit(block_at(height)));
    disk.run_background();
    opened->reset();
  }
  disk.run_background();
  disk.process_ended();
  return fault;
}

// The power goes at this operation; afterwards the store opens again, or why it does not.
std::string after_cut_at(std::uint64_t operation, std::uint64_t seed, std::uint64_t& operations) {
  SimulatedDisk disk;
  disk.set_weather({[&] { return disk.operations() == operation; }, {}});
  for (std::uint64_t i = 0; i < kOpenings && disk.has_power(); ++i) {
    const std::string fault = add_block(disk);
    if (disk.has_power() && !fault.empty()) return fault;
  }
  operations = disk.operations();
  disk.set_weather({});
  if (!disk.has_power()) disk.restore_power(Seeded(seed, 1, 0));
  return add_block(disk);
}

}  // namespace

TEST_CASE("the power goes at any operation of a store, which opens again") {
  std::uint64_t operations = 0;
  REQUIRE(after_cut_at(0, 0, operations).empty());
  REQUIRE(operations > 100);
  for (std::uint64_t k = 1; k <= operations; ++k) {
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      CAPTURE(k);
      CAPTURE(seed);
      std::uint64_t unused = 0;
      CHECK(after_cut_at(k, seed, unused) == "");
    }
  }
}
