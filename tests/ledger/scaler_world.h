// A small chain whose scaler comes from its sites, and an honest script for it.
#pragma once

#include "ledger/scaler.h"
#include "tests/ledger/world.h"

namespace gradmint::test {

template <>
constexpr TxType type_of<StateSums>() {
  return TxType::state_sums;
}
template <>
constexpr TxType type_of<FixScaler>() {
  return TxType::fix_scaler;
}

// Of two columns; regression: and a target.
WorldOptions world_with_sites(WorldOptions options, const std::string& task = "classification");

// A worker's rows in millionths: another distribution at each.
std::vector<std::pair<std::int64_t, std::int64_t>> rows_of(int worker);
StateSums sums_body(const World& w, int worker);
FixScaler scaler_body(const World& w, std::uint32_t least_sites = 1);

}  // namespace gradmint::test
