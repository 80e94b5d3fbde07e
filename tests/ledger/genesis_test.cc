// What a genesis may ask of those who follow and audit it.
#include "ledger/genesis.h"

#include <doctest/doctest.h>

#include <functional>

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

std::vector<AccountId> accounts_from_zero(std::size_t count) {
  std::vector<AccountId> accounts(count);
  for (std::size_t i = 0; i < count; ++i) {
    accounts[i].bytes[0] = static_cast<std::uint8_t>(i >> 16);
    accounts[i].bytes[1] = static_cast<std::uint8_t>(i >> 8);
    accounts[i].bytes[2] = static_cast<std::uint8_t>(i);
  }
  return accounts;
}

// Something that everybody who follows or audits the chain pays for.
struct Cost {
  std::string_view what;
  std::uint64_t most;
  std::function<void(GenesisRecord&, std::uint64_t)> set;
};

const Cost kCosts[] = {
    {"number of validators", kMaxValidators,
     [](GenesisRecord& g, std::uint64_t n) {
       g.validators.resize(1);
       for (std::uint64_t i = 1; i < n; ++i) {
         const std::string name = "another validator " + std::to_string(i);
         g.validators.push_back({key_of(name).public_key(), hash_of(name)});
       }
     }},
    {"number of allocations", kMaxAllocations,
     [](GenesisRecord& g, std::uint64_t n) {
       g.allocations.clear();
       for (const AccountId& account : accounts_from_zero(n)) g.allocations.push_back({account, 1});
     }},
    {"allow-list's length", kMaxAllowed,
     [](GenesisRecord& g, std::uint64_t n) { g.allowed = accounts_from_zero(n); }},
    {"rule's gas", contracts::kMaxRuleGas,
     [](GenesisRecord& g, std::uint64_t v) { g.rule_limits.gas = v; }},
    {"rule's memory", contracts::kMaxRuleMemoryBytes,
     [](GenesisRecord& g, std::uint64_t v) { g.rule_limits.memory_bytes = v; }},
    {"max_effects", contracts::kMaxEffects,
     [](GenesisRecord& g, std::uint64_t v) {
       g.rule_limits.max_effects = static_cast<std::uint32_t>(v);
     }},
    {"parameter count", kMaxTaskParameters,
     [](GenesisRecord& g, std::uint64_t v) { g.task.size.parameters = v; }},
    {"time of block 0", kMaxGenesisTimeMs,
     [](GenesisRecord& g, std::uint64_t v) { g.time_ms = v; }},
};

struct TextPlace {
  std::string_view what;
  std::string GenesisRecord::*field;
  std::string TaskSpec::*task_field;
  bool has_lines;
  std::string& in(GenesisRecord& g) const { return field ? g.*field : g.task.*task_field; }
};

constexpr TextPlace kTexts[] = {
    {"chain's name", &GenesisRecord::name, nullptr, false},
    {"task's model", nullptr, &TaskSpec::model, false},
    {"task's objective", nullptr, &TaskSpec::objective, false},
    {"data contract", nullptr, &TaskSpec::contract, false},
    {"rule's interpreter", &GenesisRecord::rule_abi, nullptr, false},
    {"rule's source", &GenesisRecord::rule_source, nullptr, true},
    {"rule's manifest", &GenesisRecord::rule_manifest, nullptr, true},
};

}  // namespace

TEST_CASE("genesis: what it may cost everybody has a most") {
  for (const Cost& cost : kCosts) {
    CAPTURE(cost.what);
    GenesisRecord genesis = World().genesis;
    cost.set(genesis, cost.most);
    CHECK(genesis_fault(genesis) == "");
    cost.set(genesis, cost.most + 1);
    const std::string fault = genesis_fault(genesis);
    CHECK(fault.find(cost.what) != std::string::npos);
    CHECK(fault.find(std::to_string(cost.most + 1)) != std::string::npos);
    CHECK(fault.find(std::to_string(cost.most)) != std::string::npos);
    CHECK(!Chain::start(genesis));
  }
  GenesisRecord genesis = World().genesis;
  genesis.rule_limits.gas = 1'000'000'000'000'000'000;
  CHECK_FALSE(genesis_fault(genesis).empty());
  genesis = World().genesis;
  genesis.rule_limits.memory_bytes = std::uint64_t{1} << 50;
  CHECK_FALSE(genesis_fault(genesis).empty());
}

TEST_CASE("genesis: every text is clean, and only a rule has lines") {
  for (const TextPlace& place : kTexts) {
    CAPTURE(place.what);
    for (const std::string_view text : {"\xff\xfe", "\x1b[2J", "a\rb", "a\xc2\x9b", "a\xe2\x80\xae",
                                        "a\xe2\x80\xa8", "\xef\xbb\xbfz"}) {
      CAPTURE(to_hex(as_bytes(text)));
      GenesisRecord genesis = World().genesis;
      place.in(genesis) += text;
      CHECK(genesis_fault(genesis).find(place.what) != std::string::npos);
      CHECK_FALSE(decode_record<GenesisRecord>(encode_record(genesis)).has_value());
    }
    GenesisRecord genesis = World().genesis;
    place.in(genesis) += "\n\t\n";
    CHECK(decode_record<GenesisRecord>(encode_record(genesis)).has_value() == place.has_lines);
  }
}

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
        "the genesis has schema 1, this gradmint reads 6 only; use the gradmint that wrote it");
  CHECK_FALSE(decode_record<GenesisRecord>(bytes).has_value());
  bytes[1] = 1;
  CHECK(genesis_schema_fault(bytes) ==
        "the genesis has schema 257, this gradmint reads 6 only; use a newer gradmint");
}
