// What the members of a chain may ask of it, fixed by the genesis. Statements are free, so what
// each of them may cost everybody else is bounded here. docs/ledger.md says what bounds each entry
// of the state.
#pragma once

#include <cstdint>
#include <string>

#include "ledger/record.h"

namespace gradmint {

struct ChainLimits {
  std::uint32_t datasets_per_worker = 64;  // ever; a changed manifest is another dataset
  // Statements by which no round is served (datasets, transfers, ...) that one account may make
  // while one round is the newest.
  std::uint32_t statements_per_round = 256;
  std::uint64_t least_new_balance = 1'000'000'000;  // base units that open an account
  std::uint32_t registrations_per_round = 256;      // new workers while one round is the newest;
                                                    // with open enrolment
  std::uint32_t suspend_after_rounds = 3;           // rounds in a row without an update
  std::uint32_t rotation_delay_blocks = 100;        // before an operator's change of a key holds
  void write(Writer& w) const;
  void read(Reader& r);
  bool operator==(const ChainLimits&) const = default;
};

// What the protocol lets a genesis choose. Both ends belong to the range.
inline constexpr ChainLimits kLeastChainLimits{1, 1, 1, 1, 1, 1};
inline constexpr ChainLimits kMostChainLimits{256,  65'536,    (std::uint64_t{1} << 63) - 1,
                                              4095, 1'000'000, 1'000'000};

// The limit that is out of its range and the range, on one line, or an empty string.
std::string chain_limits_fault(const ChainLimits& limits);

}  // namespace gradmint
