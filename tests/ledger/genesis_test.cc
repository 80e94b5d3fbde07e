// What a genesis may ask of those who follow and audit it.
#include "ledger/genesis.h"

#include <doctest/doctest.h>

#include "tests/ledger/world.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

template <class T>
void check_range(GenesisRecord genesis, T ChainLimits::*field, std::string_view name) {
  CAPTURE(name);
  const T least = kLeastChainLimits.*field, most = kMostChainLimits.*field;
  for (const T value : {least, most}) {
    genesis.limits.*field = value;
    CHECK(genesis_fault(genesis).empty());
  }
  for (const T value : {static_cast<T>(least - 1), static_cast<T>(most + 1)}) {
    genesis.limits.*field = value;
    const std::string fault = genesis_fault(genesis);
    CHECK(fault.find(name) != std::string::npos);
    CHECK(fault.find(std::to_string(value)) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("genesis: each limit of the members' is within the protocol's") {
  const GenesisRecord good = World().genesis;
  check_range(good, &ChainLimits::datasets_per_worker, "datasets_per_worker");
  check_range(good, &ChainLimits::statements_per_round, "statements_per_round");
  check_range(good, &ChainLimits::least_new_balance, "least_new_balance");
  check_range(good, &ChainLimits::registrations_per_round, "registrations_per_round");
  check_range(good, &ChainLimits::suspend_after_rounds, "suspend_after_rounds");
  check_range(good, &ChainLimits::rotation_delay_blocks, "rotation_delay_blocks");
}

TEST_CASE("genesis: another schema is named, and what reads it") {
  Bytes bytes = encode_record(World().genesis);
  CHECK(genesis_schema_fault(bytes).empty());
  bytes[0] = 1;
  CHECK(genesis_schema_fault(bytes) ==
        "the genesis has schema 1, this gradmint reads 3 only; use the gradmint that wrote it");
  CHECK_FALSE(decode_record<GenesisRecord>(bytes).has_value());
  bytes[1] = 1;
  CHECK(genesis_schema_fault(bytes) ==
        "the genesis has schema 257, this gradmint reads 3 only; use a newer gradmint");
}
