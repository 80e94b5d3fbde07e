// The scaler of a chain whose contract takes it from the sites: from sums to fp32, and from the
// state to the contract that everybody reads by. Integers alone decide. Pure.
#pragma once

#include "ledger/genesis.h"
#include "ledger/scaler_records.h"
#include "ledger/state.h"

namespace gradmint {

// What stands in the state until the scaler is fixed, one for each worker that has stated its sums.
struct SumsRecord {
  StateSums body;
  std::uint64_t height = 0;  // of its block
  void write(Writer& w) const;
  void read(Reader& r);
};

// What stays.
struct ScalerRecord {
  std::uint64_t height = 0;  // of the block that fixed it
  std::uint32_t sites = 0;
  std::uint64_t rows = 0;
  std::vector<ScalerBits> columns;
  void write(Writer& w) const;
  void read(Reader& r);
};

namespace state_key {
inline const std::string kSumsPrefix = "x/";
inline const std::string kScaler = "f";
std::string sums(const AccountId& worker);
}  // namespace state_key

// Whether some column of `rows` values could have such sums.
bool sums_are_possible(const ColumnSums& sums, std::uint64_t rows);

// Of one column over all counted sites, whose squares together may leave 128 bits.
struct PooledSums {
  std::uint64_t rows = 0;
  I128 sum = 0;
  U256 squares;
  void add(const ColumnSums& sums, std::uint64_t sums_rows);
};
// Mean and deviation over all rows, each the fp32 nearest to the exact number (ties to even); of a
// column that is constant in millionths the scale is 1, as in worker/data/scaling.h. Precondition:
// each part was possible, and there are 1 to kMaxMembers of them.
ScalerBits scaler_bits(const PooledSums& pooled);

// The members that have stated their sums, ascending: who will be counted.
std::vector<AccountId> stated_members(const StateReader& state);
// What follows from the statements of those; at least one has stated its sums.
FixScaler plan_scaler(const StateReader& state, std::uint32_t least_sites);

// Of how many columns a chain's workers state their sums; 0 where the contract has its scaler.
std::size_t summed_columns(const TaskSpec& task);
std::optional<ScalerRecord> fixed_scaler(const StateReader& state);
// The contract with its scaler. Nothing where the columns are not the contract's, or the contract
// has one already.
std::optional<DataContract> with_scaler(DataContract contract,
                                        const std::vector<ScalerBits>& columns);
// The task as it is now: with the contract that data are to be read by. Everything that reads a
// chain's contract reads this one. Before the scaler is fixed it is the genesis'.
TaskSpec task_of(const GenesisRecord& genesis, const StateReader& state);

}  // namespace gradmint
