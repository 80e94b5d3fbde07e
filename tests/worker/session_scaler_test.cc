// A worker's session where the scaler comes from the sites: it states its sums once, whatever
// breaks, and takes no scaler that is not proven.
#include <doctest/doctest.h>

#include "ledger/hash.h"
#include "tests/ledger/scaler_world.h"
#include "tests/worker/session_federation.h"
#include "worker/session/scaler_work.h"

namespace gradmint::test {
namespace {

using namespace gradmint::session;

constexpr std::uint64_t kLimitMs = 3'600'000;

void check_outcome(const Federation& federation, std::size_t stated) {
  CHECK(federation.coordinator.sums.size() == stated);
  for (const auto& [worker, statements] : federation.coordinator.sums)
    CHECK(statements.size() == 1);
  for (const Federation::Worker& worker : federation.workers) {
    REQUIRE(worker.stop.has_value());
    CHECK_MESSAGE(worker.stop->exit_code == kExitDone, worker.stop->text);
  }
}

// The scaler of three workers, as their coordinator would send it.
struct Sent {
  World world{world_with_sites({})};
  FixedScaler message;
  Bytes transaction;
  Sent() {
    world.enrol();
    for (int i = 0; i < 3; ++i)
      world.must(world.workers[static_cast<std::size_t>(i)], sums_body(world, i));
    world.must(world.validator(), scaler_body(world));
    const PlayedBlock& block = world.played.back();
    message.block = {encode_record(block.draft.block.header), encode_record(block.certificate)};
    message.transactions = 1;
    transaction = block.draft.block.transactions.at(0).bytes;
  }
};

}  // namespace

TEST_CASE("sums: stated by each, and the rounds go on by the scaler they give") {
  Federation federation(1, {.workers = 3, .rounds = 2, .sites_scale = true}, {});
  REQUIRE(federation.run(120'000));
  check_outcome(federation, 3);
  const auto fixed = fixed_scaler(federation.coordinator.world.chain.state());
  REQUIRE(fixed);
  CHECK(fixed->sites == 3);
}

TEST_CASE("sums: a worker killed after any effect never states two things") {
  Federation reference(2, {.workers = 1, .sites_scale = true}, {});
  REQUIRE(reference.run(60'000));
  const std::uint64_t effects = reference.workers[0].effects;
  for (std::uint64_t k = 1; k < effects; ++k) {
    CAPTURE(k);
    Federation federation(2, {.workers = 1, .sites_scale = true}, {});
    federation.crash_after_effect = k;
    REQUIRE(federation.run(kLimitMs));
    check_outcome(federation, 1);
  }
}

TEST_CASE("sums: whoever is started again before the scaler is fixed repeats what it stated") {
  Federation federation(4, {.workers = 2, .sites_scale = true}, {});
  while (!federation.workers[1].session) federation.step();
  federation.crash(1, 10'000);  // the scaler waits for it
  const AccountId first = federation.workers[0].key.account();
  const State& state = federation.coordinator.world.chain.state();
  while (!state.find(state_key::sums(first))) federation.step();
  federation.crash(0, 100);
  REQUIRE(federation.run(kLimitMs));
  CHECK(federation.summings == 3);  // read again, with other figures
  check_outcome(federation, 2);
  CHECK(fixed_scaler(federation.coordinator.world.chain.state())->sites == 2);
}

TEST_CASE("sums: a bad network changes nothing of that") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Faults faults;
    faults.max_delay_ms = 1 + (seed % 4) * 100;
    faults.drop_permille = static_cast<std::uint32_t>(seed % 5) * 20;
    faults.double_permille = static_cast<std::uint32_t>(seed % 3) * 50;
    faults.disconnect_permille = static_cast<std::uint32_t>(seed % 2) * 10;
    faults.crash_permille = static_cast<std::uint32_t>(seed % 3) * 5;
    Federation federation(seed, {.workers = 3, .sites_scale = true}, faults);
    REQUIRE(federation.run(kLimitMs));
    for (const auto& [worker, statements] : federation.coordinator.sums)
      CHECK(statements.size() == 1);
    CHECK(federation.coordinator.settled() == 1);
  }
}

TEST_CASE("sums: a scaler that is not proven is none") {
  const Sent sent;
  const GenesisRecord& genesis = sent.world.genesis;
  const auto proven = prove_scaler(sent.message, sent.transaction, genesis);
  REQUIRE(proven);
  CHECK(proven->height == sent.world.chain.height());
  CHECK(proven->block_hash == sent.world.chain.tip_hash());
  CHECK(proven->statement.sites.size() == 3);

  const struct {
    const char* what;
    std::function<void(FixedScaler&, Bytes&, GenesisRecord&)> change;
  } cases[] = {
      {"another header", [](FixedScaler& m, Bytes&, GenesisRecord&) { m.block.header[60] ^= 1; }},
      {"no certificate",
       [](FixedScaler& m, Bytes&, GenesisRecord&) { m.block.certificate.clear(); }},
      {"a certificate of another block",
       [](FixedScaler& m, Bytes&, GenesisRecord&) { m.block.certificate[20] ^= 1; }},
      {"another scaler", [](FixedScaler&, Bytes& tx, GenesisRecord&) { tx[tx.size() - 70] ^= 1; }},
      {"a place beyond the block", [](FixedScaler& m, Bytes&, GenesisRecord&) { m.index = 1; }},
      {"a path too long",
       [](FixedScaler& m, Bytes&, GenesisRecord&) { m.path.push_back(hash_of("x")); }},
      {"no transactions", [](FixedScaler& m, Bytes&, GenesisRecord&) { m.transactions = 0; }},
      {"nothing", [](FixedScaler&, Bytes& tx, GenesisRecord&) { tx.clear(); }},
      {"another chain",
       [](FixedScaler&, Bytes&, GenesisRecord& g) { g.nonce = hash_of("another"); }},
  };
  for (const auto& each : cases) {
    CAPTURE(each.what);
    FixedScaler message = sent.message;
    Bytes transaction = sent.transaction;
    GenesisRecord other = genesis;
    each.change(message, transaction, other);
    CHECK_FALSE(prove_scaler(message, transaction, other).has_value());
  }
  // A statement that stands in a block, and is none that fixes a scaler.
  const PlayedBlock& earlier = sent.world.played[sent.world.played.size() - 2];
  const FixedScaler sums{
      {encode_record(earlier.draft.block.header), encode_record(earlier.certificate)}, 0, 1, {}};
  CHECK_FALSE(
      prove_scaler(sums, earlier.draft.block.transactions.at(0).bytes, genesis).has_value());
}

}  // namespace gradmint::test
