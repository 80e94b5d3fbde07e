// How a scaler comes from the sites: what each of them states, and what follows. See
// docs/data-contract.md for what that reveals.
#pragma once

#include <vector>

#include "ledger/model/data_contract.h"
#include "ledger/record.h"
#include "ledger/wide.h"

namespace gradmint {

inline constexpr std::int64_t kMillion = 1'000'000;
// Of a value, in its column's own unit. With the most rows the sum of squares stays below 2^127.
inline constexpr std::int64_t kMaxSummedValue = 1'000'000'000;
inline constexpr std::uint64_t kMaxSummedRows = 100'000'000;
// Sums over fewer rows would give the rows away: over one, they are the row.
inline constexpr std::uint64_t kLeastSummedRows = 10;

// Of one column at one site. Its values are counted in millionths, each rounded half to even.
struct ColumnSums {
  I128 sum = 0;
  U128 squares = 0;
  void write(Writer& w) const;
  void read(Reader& r);
  bool operator==(const ColumnSums&) const = default;
};

struct StateSums {
  Hash dataset;  // of these samples, each once
  std::uint64_t rows = 0;
  std::vector<ColumnSums> columns;  // in the contract's order; regression: the target's last
  void write(Writer& w) const;
  void read(Reader& r);
};

// Mean and scale as the bits of two fp32.
struct ScalerBits {
  std::uint32_t mean = 0, scale = 0;
  void write(Writer& w) const;
  void read(Reader& r);
  bool operator==(const ScalerBits&) const = default;
};

// Ends the statements. Everything in it follows from them, but for `least_sites`.
struct FixScaler {
  std::uint32_t least_sites = 1;  // as many the operator wanted to be counted
  std::vector<Hash> sites;        // who was counted, ascending
  std::uint64_t rows = 0;         // of all of them
  std::vector<ScalerBits> columns;
  void write(Writer& w) const;
  void read(Reader& r);
};

}  // namespace gradmint
